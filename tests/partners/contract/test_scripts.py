"""Each script of the simulators, as one table: what a send makes of it, what was paid, and what a query then finds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from sandbox.simulator.script import SCRIPTS, Reply, Step
from tests.partners.calls import as_paid, deadline, eventually, found_in_the_end, impatient, prepared
from tests.partners.harness import Harness
from transfers.enums import FailureClass
from transfers.errors import RailUnavailable
from transfers.types import NotSeen, Refused, Succeeded, Unknown

# How often the order is paid. Where another amount is shown, it is the partner's affair what left.
NOTHING, ONCE = 0, 1
# Kinds of what is not known: people must decide; the partner knows it; nothing is known.
SUSPECT, PENDING, UNDECIDED = "suspect", "pending", "Unknown"


@dataclass(frozen=True)
class Row:
    """The class of what `send` returns, what was paid by then, and what `find` then returns."""

    sent: type | str
    paid: int
    found: type | str


LOST_PAID = Row(Unknown, ONCE, Succeeded)
LOST_UNPAID = Row(Unknown, NOTHING, NotSeen)
TABLE = {
    "ok": Row(Succeeded, ONCE, Succeeded),
    "timeout-after-accept": LOST_PAID,
    "timeout-before": LOST_UNPAID,
    "lost-after-accept": LOST_PAID,
    "lost-before": LOST_UNPAID,
    "error-after-accept": LOST_PAID,
    "error-before": LOST_UNPAID,
    "reset": LOST_PAID,
    "html": LOST_PAID,
    "html-before": LOST_UNPAID,
    "pending": Row(PENDING, NOTHING, PENDING),
    "slow": Row(Succeeded, ONCE, Succeeded),
    "too-many-requests": LOST_UNPAID,
    "hidden": Row(Unknown, ONCE, NotSeen),
    "wrong-amount": Row(SUSPECT, ONCE, SUSPECT),
    "wrong-currency": Row(SUSPECT, ONCE, SUSPECT),
}
# Beside the table: what they do depends on whether the partner issues tokens and pays one reference once.
OTHERS = {"unauthorized", "duplicate"}


def test_every_script_has_its_row() -> None:
    assert set(TABLE) | OTHERS == set(SCRIPTS)


@pytest.mark.parametrize("script", sorted(TABLE))
def test_send_and_find_make_of_a_script_what_the_table_says(
    partner: Harness, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(partner, monkeypatch, seconds=5 if script == "slow" else 1)
    rail = partner.rail()
    order, row = prepared(partner, rail), TABLE[script]
    partner.script_payout(script)

    sent = rail.send(order, deadline=deadline())

    is_decided = partner.traits.pays_at_once and row.sent != PENDING
    # Whether a partner shows an order that it has just accepted is its own affair.
    assert _kind(sent).replace(PENDING, UNDECIDED) == (_name(row.sent) if is_decided else UNDECIDED)
    found = rail.find(order) if row.found == PENDING else found_in_the_end(rail, order)
    assert _kind(found) == _name(row.found)
    expected = [as_paid(order, partner.phone)] * row.paid
    if script == "wrong-amount":
        expected = [
            replace(one, amount_xof=paid.amount_xof)
            for one, paid in zip(expected, partner.paid(), strict=True)
        ]
    assert partner.paid() == expected


def test_duplicate_of_the_partners_own_is_suspect(partner: Harness) -> None:
    """Some simulators pay twice then; what two people must know is that they did."""
    rail = partner.rail()
    order = prepared(partner, rail)
    partner.script_payout("duplicate")

    rail.send(order, deadline=deadline())
    found = found_in_the_end(rail, order)

    times = len(partner.paid())
    assert partner.paid() == [as_paid(order, partner.phone)] * times
    assert _kind(found) == {1: "Succeeded", 2: SUSPECT}[times]
    assert times == 2 or partner.traits.is_idempotent


def test_unauthorized_call_pays_nothing_unless_a_new_token_did(partner: Harness) -> None:
    rail = partner.rail()
    order = prepared(partner, rail)
    partner.script_payout("unauthorized")

    outcome = rail.send(order, deadline=deadline())
    if isinstance(outcome, Unknown):
        outcome_found = found_in_the_end(rail, order)
        assert isinstance(outcome_found, Succeeded)
    elif isinstance(outcome, Refused):
        assert outcome.failure == FailureClass.STOP
        assert partner.paid() == []
        return
    assert partner.paid() == [as_paid(order, partner.phone)]


def test_payment_that_the_partner_hides_for_a_while_is_found_later(partner: Harness) -> None:
    rail = partner.rail()
    order = prepared(partner, rail)
    partner.script_payout(Step(reply=Reply.LOST, hidden_seconds=1.5))

    assert _kind(rail.send(order, deadline=deadline())) == "Unknown"

    found = eventually(lambda: rail.find(order), lambda found: not isinstance(found, NotSeen))
    assert isinstance(found if isinstance(found, Succeeded) else found_in_the_end(rail, order), Succeeded)
    assert partner.paid() == [as_paid(order, partner.phone)]


@pytest.mark.parametrize("script", ["lost-before", "lost-after-accept", "error-before", "reset", "html"])
def test_order_that_is_sent_again_as_the_rail_allows_is_paid_once(partner: Harness, script: str) -> None:
    """The engine's rule in short: ask, and send the same order again only where the answer allows it."""
    rail = partner.rail()
    order = prepared(partner, rail)
    partner.script_payout(script)
    rail.send(order, deadline=deadline())

    found = found_in_the_end(rail, order)
    if isinstance(found, NotSeen) and found.is_resendable:
        rail.send(order, deadline=deadline())
        found = found_in_the_end(rail, order)

    is_unpaid_for_good = script.endswith("before") and not partner.traits.is_idempotent
    assert isinstance(found, NotSeen if is_unpaid_for_good else Succeeded)
    assert partner.paid() == ([] if is_unpaid_for_good else [as_paid(order, partner.phone)])


@pytest.mark.parametrize(
    "script", ["error-before", "html", "too-many-requests", "lost-before", "timeout-before"]
)
def test_query_without_a_usable_answer_is_no_answer(
    partner: Harness, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(partner, monkeypatch)
    rail = partner.rail()
    order = prepared(partner, rail)
    rail.send(order, deadline=deadline())
    partner.script_find(script, times=3)

    with pytest.raises(RailUnavailable):
        rail.find(order)


def _kind(outcome: object) -> str:
    if isinstance(outcome, Unknown) and outcome.suspect:
        return SUSPECT
    if isinstance(outcome, Unknown) and outcome.seen:
        return PENDING
    return type(outcome).__name__


def _name(expected: type | str) -> str:
    return expected if isinstance(expected, str) else expected.__name__
