"""Statements of providers against the books, in both directions; and the commands that query everything open."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from sunusav.core import clock
from tests.fakes.rail import ROUTING_FEE_MSAT
from tests.transfers.builders import (
    NET_MSAT,
    NET_SATS,
    PAID,
    attempts,
    claimed,
    ordered,
    row_of,
    run,
    snapshot,
)
from tests.transfers.collecting import DUE_MSAT, opened, stored
from tests.transfers.rails import SteeredCollector, SteeredRail, Watch, hash_of
from tests.transfers.unchanged import unchanged
from transfers.enums import FailureClass
from transfers.matching import Mismatch, match_rail
from transfers.models import Attempt
from transfers.services.reconciliation import make_open_attempts_due
from transfers.types import ProviderPayment, Refused, Unknown

pytestmark = pytest.mark.django_db

AWA = hash_of("awa", NET_SATS)


def line(reference: str = AWA, **changes: Any) -> ProviderPayment:
    facts = {
        "is_paid": True,
        "is_open": False,
        "amount_msat": NET_MSAT,
        "cost_msat": ROUTING_FEE_MSAT,
        **changes,
    }
    return ProviderPayment(reference=reference, **facts)


def test_match_after_a_payment_finds_nothing(node: SteeredRail, watch: Watch) -> None:
    ordered()
    run(watch)

    assert match_rail("lightning") == []


def test_match_of_a_payment_made_by_hand_reports_it(node: SteeredRail) -> None:
    node.paid["unknown"] = 5_000

    assert match_rail("lightning") == [
        Mismatch("unknown", "paid at the provider (5000 msat), not in the books")
    ]


def test_match_of_a_payment_only_in_the_books_reports_it(node: SteeredRail, watch: Watch) -> None:
    ordered()
    run(watch)
    node.lines = []

    assert match_rail("lightning") == [Mismatch(AWA, "paid in the books, not at the provider")]


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"amount_msat": NET_MSAT - 1}, "provider 98999999+1500 msat, books 99000000+1500"),
        ({"cost_msat": 1_501}, "provider 99000000+1501 msat, books 99000000+1500"),
    ],
)
def test_match_of_a_payment_with_other_amounts_reports_both(
    changes: dict[str, Any], detail: str, node: SteeredRail, watch: Watch
) -> None:
    ordered()
    run(watch)
    node.lines = [line(**changes)]

    assert match_rail("lightning") == [Mismatch(AWA, detail)]


def test_match_under_way_on_both_sides_finds_nothing(node: SteeredRail, watch: Watch) -> None:
    ordered()
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    node.lines = [line(is_paid=False, is_open=True)]

    assert match_rail("lightning") == []


def test_match_of_an_unknown_payment_under_way_reports_it(node: SteeredRail) -> None:
    node.lines = [line("unknown", is_paid=False, is_open=True)]

    assert match_rail("lightning") == [
        Mismatch("unknown", "under way at the provider, but no open attempt of ours")
    ]


def test_match_while_a_payment_is_made_after_its_page_was_listed_finds_nothing(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    node.meanwhile["statement"] = lambda: run(watch)

    assert match_rail("lightning") == []
    assert snapshot(disbursement_id) == PAID
    assert match_rail("lightning") == []


def test_match_while_an_open_payment_settles_finds_nothing(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    node.paid[AWA] = NET_MSAT
    node.lines = [line(is_paid=False, is_open=True)]
    watch.advance(3_600)
    node.meanwhile["statement"] = lambda: run(watch)

    assert match_rail("lightning") == []
    assert snapshot(disbursement_id) == PAID


def test_match_while_a_payment_is_begun_finds_nothing(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Refused(reason="no-route", failure=FailureClass.FINAL))
    node.lines = [line(is_paid=False, is_open=True)]
    node.meanwhile["statement"] = lambda: run(watch)

    assert match_rail("lightning") == []
    assert [attempt.state for attempt in attempts(disbursement_id)] == ["failed"]
    assert match_rail("lightning") == [
        Mismatch(AWA, "under way at the provider, but no open attempt of ours")
    ]


def test_match_of_a_paid_attempt_still_open_at_the_provider_reports_it(
    node: SteeredRail, watch: Watch
) -> None:
    ordered()
    run(watch)
    node.lines = [line(is_paid=False, is_open=True)]

    assert match_rail("lightning") == [
        Mismatch(AWA, "under way at the provider, but no open attempt of ours"),
        Mismatch(AWA, "paid in the books, not at the provider"),
    ]


def test_make_open_attempts_due_does_not_change_claimed_ones(node: SteeredRail, watch: Watch) -> None:
    busy, free = ordered("awa"), ordered("binta")
    node.script.extend(Unknown(seen=True, reason="in-flight") for _ in range(2))
    run(watch)
    watch.advance(15)
    claimed(busy, watch)

    assert make_open_attempts_due(now=watch()) == 1
    assert row_of(free).due_at == watch()


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_reconcile_payouts_queries_everything_open_and_matches(
    node: SteeredRail, lightning_collector: SteeredCollector
) -> None:
    now = clock.now()
    disbursement_id, facts = ordered(at=now), opened(now=now)
    node.script.append(Unknown(seen=True, reason="no-answer"))
    run(Watch(now))
    node.paid[AWA], lightning_collector.received[facts.reference] = NET_MSAT, DUE_MSAT

    output = StringIO()
    call_command("reconcile_payouts", stdout=output)

    assert (snapshot(disbursement_id), stored(facts).state) == (PAID, "settled")
    assert output.getvalue().splitlines() == [
        "1 open attempts to query",
        "1 open collections to query",
        "the providers and the books agree",
    ]


def test_reconcile_payouts_only_match_with_a_mismatch_changes_nothing_and_fails(node: SteeredRail) -> None:
    node.paid["unknown"] = 5_000
    errors = StringIO()
    with unchanged(), pytest.raises(CommandError, match="1 payments differ"):
        call_command("reconcile_payouts", "--only-match", stderr=errors)
    assert errors.getvalue() == "unknown: paid at the provider (5000 msat), not in the books\n"


def test_process_payouts_pays_what_is_due_and_reports_how_many(node: SteeredRail) -> None:
    disbursement_id = ordered(at=clock.now())

    output = StringIO()
    call_command("process_payouts", "--slots", "1", stdout=output)

    assert output.getvalue() == "1 disbursements claimed\n"
    assert [attempt.state for attempt in attempts(disbursement_id)] == ["succeeded"]
    assert Attempt.objects.get().order.reference == AWA
