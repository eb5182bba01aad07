"""No phone, name, key or PIN is in what a rail or collector returns, raises, logs or shows of itself."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from typing import Any

import pytest

from sandbox.simulator.script import SCRIPTS
from sunusav.core.errors import DomainError
from tests.partners.calls import Asked, deadline, impatient, instruction, now, prepared
from tests.partners.harness import DISTINCT, Harness
from tests.support.leaks import every_log_line
from transfers.types import Order

PARTNERS = DISTINCT
RECIPIENT, OTHER_NAME = "Awa Ndiaye", "Khadija Sarr"
SECRET_NAMES = ("KEY", "SECRET", "PIN", "PASSWORD", "TOKEN", "USER")
SHORTEST_SECRET = 4


def secrets_of(partner: Harness) -> dict[str, str]:
    """Return what must never be shown, with what it is: the secrets of the environment, phones and a name."""
    prefix = f"{partner.name.upper()}_"
    kept = {
        value: name
        for name, value in os.environ.items()
        if name.startswith(prefix)
        and any(word in name for word in SECRET_NAMES)
        and len(value) >= SHORTEST_SECRET
    }
    for phone in (partner.phone, partner.unknown_phone):
        kept |= {phone: "phone", phone[4:]: "national phone"}
    return kept | {RECIPIENT: "name", OTHER_NAME: "name"}


def require_nothing_kept(text: str, kept: dict[str, str], where: str) -> None:
    found = sorted({name for value, name in kept.items() if value in text})
    assert not found, f"{where} shows {found}: {text[:400]}"


@pytest.fixture
def shown() -> list[tuple[str, str]]:
    """Where something was shown, and what."""
    return []


def tell(shown: list[tuple[str, str]], where: str, act: Any) -> Any:
    """Act, and keep what is returned or raised; evidence is stored, so that all of it counts."""
    try:
        result = act()
    except DomainError as error:
        shown.append((where, f"{error!r} {error} {error.facts} {error.__cause__!r} {error.__cause__}"))
        return None
    except Exception as error:
        shown.append((where, f"{error!r} {error.__cause__!r}"))
        raise
    if not isinstance(result, Order):
        shown.append((where, f"{result!r} {getattr(result, 'evidence', '')}"))
    return result


@pytest.mark.parametrize("script", [*sorted(SCRIPTS), "refused", "credentials", "float"])
def test_rail_shows_no_secret_whatever_the_partner_answers(
    partner: Harness, script: str, shown: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(partner, monkeypatch)
    rail = partner.rail()
    kept = secrets_of(partner)
    with every_log_line() as lines:
        tell(shown, "check", lambda: rail.check(instruction(partner, phone=partner.foreign_phone), now=now()))
        order = prepared(partner, rail, recipient_name=RECIPIENT)
        shown.append(("rail", repr(rail) + repr(vars(rail))))
        if script in SCRIPTS:
            partner.script_payout(script)
        else:
            partner.refuse_next({"refused": "recipient"}.get(script, script))
        tell(shown, "send", lambda: rail.send(order, deadline=deadline()))
        tell(shown, "find", lambda: rail.find(order))
        partner.script_find("html")
        tell(shown, "find unanswered", lambda: rail.find(order))
        tell(shown, "unknown recipient", lambda: prepared(partner, rail, phone=partner.unknown_phone))
        tell(shown, "other name", lambda: prepared(partner, rail, recipient_name=OTHER_NAME))
        tell(shown, "balance", rail.balance)
        tell(shown, "statement", lambda: list(rail.statement()))

    for where, text in [*shown, *(("log", line) for line in lines)]:
        require_nothing_kept(text, kept, where)


def test_rail_shows_no_secret_of_a_partner_that_is_not_there(
    partner: Harness, shown: list[tuple[str, str]]
) -> None:
    rail = partner.rail()
    order = prepared(partner, rail)
    partner.kill()
    try:
        with every_log_line() as lines:
            for where, act in (
                ("prepare", lambda: prepared(partner, rail)),
                ("send", lambda: rail.send(order, deadline=deadline())),
                ("find", lambda: rail.find(order)),
                ("balance", rail.balance),
            ):
                tell(shown, where, act)
    finally:
        partner.start()
    for where, text in [*shown, *(("log", line) for line in lines)]:
        require_nothing_kept(text, secrets_of(partner), where)


def test_collector_shows_no_secret(partner: Harness, asked: Asked, shown: list[tuple[str, str]]) -> None:
    collector = partner.collector()
    with every_log_line() as lines:
        for script in ("html", "unauthorized", "error-before", "ok"):
            partner.script_open(script)
            tell(shown, f"open, {script}", lambda: collector.open(asked.request, now=now()))
        reference = collector.reference_of(asked.collection_id)
        assert reference is not None
        with suppress(Exception):
            partner.pay_in(reference)
        tell(shown, "find", lambda: collector.find(reference))
        tell(shown, "cancel", lambda: collector.cancel(reference))
        shown.append(("collector", repr(collector) + repr(vars(collector))))
        shown.append(("request", repr(asked.request)))

    for where, text in [*shown, *(("log", line) for line in lines)]:
        require_nothing_kept(text, secrets_of(partner), where)


def test_canaries_would_be_found() -> None:
    with every_log_line() as lines:
        logging.getLogger("partners").warning("called %s", "+221771234567")

    with pytest.raises(AssertionError, match="log shows"):
        require_nothing_kept(lines[0], {"+221771234567": "phone"}, "log")
