"""Refused credentials: the rail is switched off at once, nothing is tried again, and no payment is lost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sunusav.core.models import TrailEntry
from tests.fakes.franc_rail import ScriptedFrancRail
from tests.ledger.builders import stored_rate
from tests.transfers.builders import (
    MAY_LEAVE_SECONDS,
    NOW,
    UNTOUCHED,
    Snapshot,
    attempts,
    ordered,
    row_of,
    run,
    settle,
    snapshot,
)
from tests.transfers.rails import SteeredRail, Watch
from tests.transfers.switching import WRONG_PIN, refuse_credentials, switched_on
from tests.transfers.test_rails_off import by_francs
from transfers.engine import switching
from transfers.engine.liquidity import look_at_rails
from transfers.engine.switching import call_while_accepted, switch_off_refused
from transfers.errors import RailCredentialsRefused, RailUnavailable
from transfers.models import RailBreaker, RailLiquidity
from transfers.services.matching import match_rails
from transfers.services.switches import switch_of
from transfers.types import Unknown

pytestmark = pytest.mark.django_db

REFUSED = Snapshot("processing", ["failed"], 0, UNTOUCHED.transit_msat)


@pytest.fixture(autouse=True)
def rate() -> None:
    stored_rate("8000000", at=NOW)


@pytest.fixture(autouse=True)
def nothing_held() -> Iterator[None]:
    yield
    switching._refused_at_seconds.clear()


def is_off(provider: str = "lightning") -> bool:
    return not switch_of(provider).is_on


def switch_offs() -> int:
    return TrailEntry.objects.filter(subject="rail:lightning", action="switch_off").count()


def test_refused_send_switches_the_rail_off_and_the_payment_waits_without_a_retry(
    node: SteeredRail, francs: ScriptedFrancRail, watch: Watch
) -> None:
    node.script.append(WRONG_PIN)
    first, second, third = ordered("first"), ordered("second"), by_francs()

    run(watch)

    assert (is_off(), is_off("franc")) == (True, False)
    assert switch_of("lightning").facts == {"rail": "lightning", "detail": "wrong-pin"}
    assert snapshot(first).attempts == ["failed"]
    row = row_of(first)
    assert (row.state, row.failure_code, row.retries) == ("processing", "wrong-pin", 0)
    assert row.not_before == watch.after(60)
    assert attempts(first)[0].failure_class == "stop"
    assert (node.sends, snapshot(second).attempts) == (1, [])
    assert row_of(second).failure_code == "rail-switched-off"
    assert row_of(third).state == "completed"
    assert not RailBreaker.objects.exists()


def test_refused_payment_is_paid_once_the_rail_is_switched_on(node: SteeredRail, watch: Watch) -> None:
    node.script.append(WRONG_PIN)
    disbursement_id = ordered()
    run(watch)
    settle(watch)
    watch.advance(30)
    run(watch)
    assert row_of(disbursement_id).failure_code == "rail-switched-off"
    assert node.sends == 1
    switched_on(watch)

    run(watch)

    assert (node.sends, row_of(disbursement_id).state) == (2, "completed")
    assert [one.state for one in attempts(disbursement_id)] == ["failed", "succeeded"]
    assert switch_offs() == 1


def test_refusals_however_often_bring_no_payment_under_review(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    for _ in range(8):
        node.script.append(WRONG_PIN)
        run(watch)
        assert is_off()
        watch.advance(MAY_LEAVE_SECONDS)
        run(watch)
        watch.advance(60)
        switched_on(watch)

    assert (row_of(disbursement_id).state, row_of(disbursement_id).retries) == ("processing", 0)
    assert switch_offs() == 8


def test_old_refusal_that_is_read_again_leaves_the_rail_on(node: SteeredRail, watch: Watch) -> None:
    """The order of the refused payment is asked about once more after the rail was switched on."""
    node.script.append(WRONG_PIN)
    disbursement_id = ordered()
    run(watch)
    watch.advance(10)
    switched_on(watch)

    settle(watch)

    assert node.calls[-1] == "find"
    assert not is_off()
    assert snapshot(disbursement_id) == REFUSED


def test_refusal_that_only_a_query_finds_switches_the_rail_off(node: SteeredRail, watch: Watch) -> None:
    node.script.append(Unknown(seen=False, reason="connection-lost"))
    disbursement_id = ordered()
    run(watch)
    node.finds.append(WRONG_PIN)
    watch.advance(1)

    run(watch)

    assert is_off()
    assert snapshot(disbursement_id) == REFUSED


@pytest.mark.parametrize(("call", "left"), [("prepare", []), ("send", ["prepared"])])
def test_call_that_raises_the_refusal_switches_the_rail_off_and_sends_nothing(
    node: SteeredRail, watch: Watch, call: str, left: list[str]
) -> None:
    node.meanwhile[call] = refuse_credentials
    first, second = ordered("first"), ordered("second")

    run(watch)

    assert is_off()
    assert switch_of("lightning").facts == {"rail": "lightning", "detail": "key revoked"}
    assert (node.sends, snapshot(first).attempts) == (0, left)
    assert snapshot(second).attempts == []
    assert node.calls.count(call) == 1
    node.calls.clear()
    watch.advance(60)
    run(watch)
    assert "send" not in node.calls
    switched_on(watch)
    watch.advance(75)
    run(watch)
    assert [row_of(one).state for one in (first, second)] == ["completed", "completed"]


def test_query_that_raises_the_refusal_switches_the_rail_off_and_keeps_the_attempt(
    node: SteeredRail, watch: Watch
) -> None:
    node.script.append(Unknown(seen=True, reason="in-flight"))
    disbursement_id = ordered()
    run(watch)
    node.meanwhile["find"] = refuse_credentials
    watch.advance(1)

    run(watch)

    assert is_off()
    assert snapshot(disbursement_id).attempts == ["in_flight"]


@pytest.mark.parametrize("call", ["sendable", "balance"])
def test_look_that_is_refused_switches_the_rail_off(
    node: SteeredRail, watch: Watch, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(node, call, refuse_credentials)

    look_at_rails(["lightning", "franc"], clock=watch)

    assert (is_off(), is_off("franc")) == (True, False)
    row = RailLiquidity.objects.get(pk="lightning")
    assert (row.failure_code, row.is_available) == ("rail-credentials-refused", False)


def test_gate_that_is_refused_switches_the_rail_off_and_claims_nothing(
    node: SteeredRail, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "sendable", refuse_credentials)
    waits, goes = ordered(), by_francs()

    run(watch)

    assert is_off()
    assert (row_of(waits).failure_code, row_of(waits).claim_version) == ("rail-switched-off", 0)
    assert row_of(goes).state == "completed"


def test_statement_that_is_refused_switches_the_rail_off(node: SteeredRail, watch: Watch) -> None:
    node.meanwhile["statement"] = refuse_credentials

    match_rails(["lightning", "franc"], clock=watch)

    assert (is_off(), is_off("franc")) == (True, False)


# Other threads of the same process, before the switch is stored


def refused_call() -> RailCredentialsRefused:
    with pytest.raises(RailCredentialsRefused) as refusal:
        call_while_accepted("lightning", refuse_credentials)
    return refusal.value


def test_call_after_a_refusal_is_not_made_before_the_switch_is_stored(watch: Watch) -> None:
    refusal = refused_call()
    with pytest.raises(RailUnavailable):
        call_while_accepted("lightning", lambda: pytest.fail("it was called"))
    assert call_while_accepted("franc", lambda: "answer") == "answer"

    switch_off_refused(refusal, asked_at=watch(), now=watch())

    assert is_off()
    assert call_while_accepted("lightning", lambda: "answer") == "answer"


def test_call_after_a_refused_order_is_not_made_in_another_thread() -> None:
    with ThreadPoolExecutor(1) as other:
        assert other.submit(call_while_accepted, "lightning", lambda: WRONG_PIN).result() is WRONG_PIN
    with pytest.raises(RailUnavailable):
        call_while_accepted("lightning", lambda: pytest.fail("it was called"))


def test_refusal_whose_switch_was_never_stored_holds_calls_back_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused_call()
    monkeypatch.setattr(switching, "HELD_SECONDS", 0.0)
    assert call_while_accepted("lightning", lambda: "answer") == "answer"
