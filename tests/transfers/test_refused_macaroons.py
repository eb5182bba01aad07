"""A paying macaroon that cannot be used: the real rail against the simulated node, which checks it.

Nothing is sent, and it counts against no payment; once the macaroon is corrected, the payment is paid once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from lightning.access_scopes import NEEDED, AccessScope
from lightning.health import HEALTH_CHECKS
from lightning.proto import methods
from sunusav.core import clock
from tests.lightning.world import PLATFORM, WALLETS, World
from tests.transfers.builders import Snapshot, attempts, row_of
from tests.transfers.lightning_payout import GROSS_MSAT, Payout, SharedWatch
from tests.transfers.rails import QuickLightningRail, Watch
from transfers.engine.liquidity import look_at_rails
from transfers.health import HEALTH_CHECKS as TRANSFERS_CHECKS
from transfers.models import ProviderAnswer, RailBreaker, RailMatch
from transfers.rails import rail
from transfers.services.matching import match_rails

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_node")]

INBOX = Snapshot("processing", [], 0, GROSS_MSAT)
HELD = Snapshot("processing", ["prepared"], 0, GROSS_MSAT)


class PayingFile:
    """The file of the paying macaroon, which an operator may replace at any time."""

    def __init__(self, world: World, path: Path) -> None:
        self.path, self._world = path, world
        self._good = world.process.node(PLATFORM).macaroon_paths["paying"].read_bytes()
        self.correct()

    def correct(self) -> None:
        self.path.write_bytes(self._good)

    def truncate(self) -> None:
        self.path.write_bytes(self._good[:-1])

    def replace_by_another_nodes(self) -> None:
        self.path.write_bytes(self._world.process.node(WALLETS).macaroon_paths["paying"].read_bytes())

    def take_the_right_to_send(self) -> None:
        others = [one for one in NEEDED[AccessScope.PAYING] if one is not methods.SEND_PAYMENT_V2]
        baked = self._world.control.bake_macaroon(PLATFORM, [("uri", one.path) for one in others])
        self.path.write_bytes(bytes.fromhex(baked))


SPOIL = [PayingFile.truncate, PayingFile.replace_by_another_nodes, PayingFile.take_the_right_to_send]
Spoil = Callable[[PayingFile], None]


@pytest.fixture
def paying_file(quick_node: None, world: World, settings: Settings, tmp_path: Path) -> PayingFile:
    settings.LND_PAYING_MACAROON_PATH = str(tmp_path / "paying.macaroon")
    return PayingFile(world, tmp_path / "paying.macaroon")


@pytest.fixture
def quick(paying_file: PayingFile) -> QuickLightningRail:
    found = rail("lightning")
    assert isinstance(found, QuickLightningRail)
    return found


@pytest.fixture
def payout(paying_file: PayingFile, world: World) -> Payout:
    return Payout(world, SharedWatch(world))


def refused_macaroons() -> dict[str, str]:
    facts = {name: fact for check in HEALTH_CHECKS for name, fact in check.run(clock.now()).facts.items()}
    found: dict[str, str] = facts["refused_macaroons"]
    return found


def looked_at(watch: Watch) -> dict[str, Any]:
    """Look at the rail; return what health shows of it."""
    look_at_rails(["lightning"], clock=watch)
    check = next(one for one in TRANSFERS_CHECKS if one.component == "liquidity")
    found: dict[str, Any] = check.run(watch()).facts["lightning"]
    return found


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (PayingFile.truncate, "/lnrpc.Lightning/ListChannels UNKNOWN "),
        (PayingFile.replace_by_another_nodes, "/lnrpc.Lightning/ListChannels UNKNOWN "),
        (PayingFile.take_the_right_to_send, "missing: SendPaymentV2"),
    ],
)
def test_run_with_an_unusable_macaroon_defers_and_pays_when_it_is_corrected(
    payout: Payout, world: World, paying_file: PayingFile, spoil: Spoil, error: str
) -> None:
    """No attempt is opened, also when the node would answer all that only reads."""
    spoil(paying_file)
    payout.run()

    assert (payout.snapshot, payout.due_in) == (INBOX, 15)
    row = row_of(payout.id)
    assert (row.failure_code, row.retries) == ("rail-unavailable", 0)
    assert row.failure_facts["detail"].startswith(f"the paying macaroon: {error}")
    assert list(refused_macaroons()) == ["paying"]
    shown = looked_at(payout.watch)
    assert (shown["is_available"], shown["failure_code"]) == (False, "rail-unavailable")
    assert shown["failure_facts"] == row.failure_facts, "for processes without the macaroon"

    paying_file.correct()
    assert refused_macaroons() == {}
    payout.run(15)

    payout.assert_paid_once()
    shown = looked_at(payout.watch)
    assert (shown["is_available"], shown["failure_code"], shown["failure_facts"]) == (True, "", {})
    assert RailBreaker.objects.count() == 0


@pytest.mark.parametrize("spoil", SPOIL)
def test_run_with_a_macaroon_spoilt_before_the_send_sends_the_same_order_later(
    payout: Payout, world: World, quick: QuickLightningRail, paying_file: PayingFile, spoil: Spoil
) -> None:
    quick.meanwhile["send"] = lambda: spoil(paying_file)
    payout.run()

    assert (payout.snapshot, payout.due_in) == (HELD, 15)
    (attempt,) = attempts(payout.id)
    assert (attempt.sends, attempt.outcome) == (0, "rail-away")
    assert attempt.evidence["detail"].startswith("the paying macaroon: ")
    assert [answer.kind for answer in ProviderAnswer.objects.all()] == ["away"]
    assert world.record(payout.hash) == []
    assert list(refused_macaroons()) == ["paying"]

    payout.run(15)
    assert (payout.snapshot, payout.due_in) == (HELD, 15), "no query concludes anything either"
    assert world.record(payout.hash) == []

    paying_file.correct()
    payout.run(15)

    payout.assert_paid_once()
    assert [row["sends"] for row in world.record(payout.hash)] == [1]
    assert (row_of(payout.id).retries, RailBreaker.objects.count()) == (0, 0)


def test_run_refused_for_its_macaroon_is_no_earlier_send_when_the_payee_refuses(
    payout: Payout, world: World, quick: QuickLightningRail, paying_file: PayingFile
) -> None:
    """After a send that may have left, the payee's refusal of the next one would need a person."""
    quick.meanwhile["send"] = paying_file.take_the_right_to_send
    payout.run()
    paying_file.correct()
    world.script({"do": "fail", "reason": "INCORRECT_PAYMENT_DETAILS"})
    payout.run(15)

    assert payout.snapshot == Snapshot("failed", ["failed"], 0, GROSS_MSAT)


def test_run_refused_for_its_macaroon_says_nothing_about_the_send_before(
    payout: Payout, world: World, quick: QuickLightningRail, paying_file: PayingFile
) -> None:
    payout.run_under({"do": "hold", "at": "arrived"})
    assert payout.snapshot == HELD
    quick.meanwhile["send"] = paying_file.take_the_right_to_send
    payout.run(15)

    assert payout.snapshot == HELD
    assert attempts(payout.id)[0].sends == 1
    payout.release_to_the_end("arrived")
    paying_file.correct()
    payout.run(15)

    payout.assert_paid_once()
    assert [(row["sends"], row["accepted"]) for row in world.record(payout.hash)] == [(1, 1)]


@pytest.mark.parametrize("spoil", SPOIL[:2])
def test_run_with_an_unusable_macaroon_does_not_take_a_payment_in_flight_as_unknown_to_the_node(
    payout: Payout, world: World, paying_file: PayingFile, spoil: Spoil
) -> None:
    payout.run_under({"do": "hold", "at": "in_flight"})
    spoil(paying_file)
    for _ in range(2):
        payout.run(60)
        assert payout.snapshot == Snapshot("processing", ["in_flight"], 0, GROSS_MSAT)
    paying_file.correct()
    world.control.settle(PLATFORM, payout.hash)

    payout.run(15)

    payout.assert_paid_once()


def test_matching_with_an_unusable_macaroon_finds_no_mismatch(
    payout: Payout, paying_file: PayingFile
) -> None:
    """A statement that cannot be read is no empty statement: the paid order is not reported as missing."""
    payout.run()
    paying_file.truncate()
    assert match_rails(["lightning"], clock=payout.watch) == 0
    assert RailMatch.objects.count() == 0
