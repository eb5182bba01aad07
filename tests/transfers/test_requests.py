"""Requests of disbursements: what is fixed at once, what waits, and what is refused without a change."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from fees.errors import NetNotPositive
from fees.models import FeeAssessment
from ledger.queries import owed
from lightning.errors import InvoiceAmountDiffers, InvoiceExpired
from sunusav.core.errors import DomainError
from sunusav.core.models import TrailEntry
from sunusav.core.switches import OutgoingPaused, pause_outgoing
from tests.transfers.builders import (
    BY,
    FEE_MSAT,
    NET_MSAT,
    NET_SATS,
    NOW,
    PAID,
    PAYOUT_MSAT,
    PAYOUT_SATS,
    UNTOUCHED,
    Snapshot,
    fund,
    ordered,
    pot,
    request_for,
    row_of,
    run,
    snapshot,
)
from tests.transfers.rails import SteeredRail, Watch, hash_of, invoice_for
from tests.transfers.unchanged import unchanged
from transfers.enums import FailureClass
from transfers.errors import (
    DestinationKindUnsupported,
    FundsShort,
    PaymentReferenceUsed,
    RailUnknown,
    SubjectHeld,
)
from transfers.services.disbursements import cancel_disbursement, request_disbursement
from transfers.types import Destination, Refused

pytestmark = pytest.mark.django_db

TOMORROW = NOW + timedelta(days=1)


def refused(kind: type[DomainError], *, name: str = "awa", **changes: Any) -> dict[str, Any]:
    """Request what must be refused; nothing may change. Return the refusal's facts."""
    request = request_for(name, **changes)
    with unchanged(), pytest.raises(kind) as error, transaction.atomic():
        request_disbursement(request=request, actor=BY, now=NOW)
    assert type(error.value) is kind
    return error.value.facts


def trail_of(disbursement_id: int) -> list[tuple[str, str, str, str]]:
    lines = TrailEntry.objects.filter(subject=f"disbursement:{disbursement_id}").order_by("id")
    return list(lines.values_list("action", "from_state", "to_state", "actor_label"))


def test_request_due_at_once_fixes_fee_and_net_and_holds_the_amount() -> None:
    disbursement_id = ordered()

    row = row_of(disbursement_id)
    assert (row.payout_msat, row.fee_msat, row.net_msat) == (PAYOUT_MSAT, FEE_MSAT, NET_MSAT)
    assert (row.state, row.due_at, row.claimed_by, row.scheduled_at) == ("processing", NOW, "", NOW)
    assessment = FeeAssessment.objects.get()
    assert (assessment.pk, assessment.net_sats) == (row.assessment_id, NET_SATS)
    assert snapshot(disbursement_id) == UNTOUCHED
    assert trail_of(disbursement_id) == [
        ("request", "", "scheduled", "system:tests"),
        ("begin", "scheduled", "processing", "system:tests"),
    ]


def test_request_for_later_waits_without_fee() -> None:
    disbursement_id = ordered(scheduled_at=TOMORROW)

    row = row_of(disbursement_id)
    assert (row.state, row.due_at, row.fee_msat, row.net_msat) == ("scheduled", TOMORROW, None, None)
    assert row.assessment_id is None
    assert FeeAssessment.objects.count() == 0


def test_request_for_a_moment_in_the_past_is_due_at_once() -> None:
    assert row_of(ordered(scheduled_at=NOW)).state == "processing"


def test_request_without_a_fee_pays_the_gross() -> None:
    disbursement_id = ordered(priced_for=None, destination=invoice_for("awa", PAYOUT_SATS))

    row = row_of(disbursement_id)
    assert (row.fee_msat, row.net_msat, row.assessment_id) == (0, PAYOUT_MSAT, None)


def test_request_while_paused_is_refused() -> None:
    fund("cycle:awa")
    pause_outgoing(actor=BY, reason="node looks wrong", now=NOW)

    assert refused(OutgoingPaused) == {"reason": "node looks wrong", "paused_at": NOW}


def test_request_for_later_while_paused_waits() -> None:
    pause_outgoing(actor=BY, reason="node looks wrong", now=NOW)

    assert row_of(ordered(scheduled_at=TOMORROW)).state == "scheduled"


def test_request_for_a_subject_under_way_is_refused() -> None:
    first = ordered()

    facts = refused(SubjectHeld, destination=invoice_for("other", NET_SATS))

    assert facts == {"subject": "cycle:awa", "disbursement_id": first, "state": "processing"}


def test_request_for_a_paid_subject_is_refused(watch: Watch) -> None:
    first = ordered()
    run(watch)
    fund("cycle:awa-again")

    facts = refused(SubjectHeld, debit=pot("cycle:awa-again"), destination=invoice_for("other", NET_SATS))

    assert facts == {"subject": "cycle:awa", "disbursement_id": first, "state": "completed"}
    assert snapshot(first) == PAID


def test_request_for_a_failed_subject_is_refused(node: SteeredRail, watch: Watch) -> None:
    first = ordered()
    node.script.append(Refused("incorrect-payment-details", FailureClass.FINAL))
    run(watch)

    facts = refused(SubjectHeld, destination=invoice_for("other", NET_SATS))

    assert facts == {"subject": "cycle:awa", "disbursement_id": first, "state": "failed"}


def test_request_after_cancelling_holds_the_subject_again() -> None:
    first = ordered()
    cancel_disbursement(disbursement_id=first, actor=BY, reason="another day", now=NOW)

    request = request_for(destination=invoice_for("new", NET_SATS))
    second = request_disbursement(request=request, actor=BY, now=NOW)

    assert (row_of(first).live_subject, row_of(second).live_subject) == (None, "cycle:awa")


def test_request_above_what_the_pot_holds_is_refused() -> None:
    fund("cycle:awa", PAYOUT_SATS - 1)

    assert refused(FundsShort) == {
        "subject": "cycle:awa",
        "needed_msat": PAYOUT_MSAT,
        "available_msat": PAYOUT_MSAT - 1_000,
    }
    assert owed(pot("cycle:awa")) == PAYOUT_MSAT - 1_000


def test_request_that_leaves_no_net_is_refused() -> None:
    fund("cycle:awa", 1)

    assert refused(NetNotPositive, payout_sats=1) == {"payout_sats": 1, "fee_sats": 1}


@pytest.mark.parametrize("off_msat", [-1, 1])
def test_request_with_an_invoice_one_msat_off_is_refused(off_msat: int) -> None:
    fund("cycle:awa")
    text = invoice_for("awa", NET_SATS).value.replace("|99000000|", f"|{99_000_000 + off_msat}|")

    facts = refused(InvoiceAmountDiffers, destination=Destination("lightning", "bolt11", text))

    assert facts == {"expected_msat": 99_000_000, "invoice_msat": 99_000_000 + off_msat}


def test_request_with_an_expired_invoice_is_refused() -> None:
    fund("cycle:awa")
    over = NOW - timedelta(seconds=1)

    facts = refused(InvoiceExpired, destination=invoice_for("awa", NET_SATS, expires_at=over))

    assert facts == {"expired_at": over.isoformat()}


def test_request_with_a_kind_the_rail_does_not_know_is_refused() -> None:
    fund("cycle:awa")

    facts = refused(
        DestinationKindUnsupported, destination=Destination("lightning", "phone", "+221771234567")
    )

    assert facts == {"rail": "lightning", "kind": "phone", "supported_kinds": ["bolt11"]}


def test_request_over_a_rail_that_does_not_exist_is_refused() -> None:
    fund("cycle:awa")

    facts = refused(RailUnknown, destination=Destination("pigeon", "bolt11", "coo"))

    assert facts == {"rail": "pigeon", "known_rails": ["franc", "lightning"]}


def test_request_with_an_invoice_of_another_disbursement_is_refused(watch: Watch) -> None:
    first = ordered()
    run(watch)
    fund("cycle:other")

    facts = refused(
        PaymentReferenceUsed,
        name="other",
        destination=invoice_for("awa", NET_SATS),
    )

    assert facts == {"reference": hash_of("awa", NET_SATS), "disbursement_id": first}


def test_request_refused_in_a_transaction_leaves_it_usable() -> None:
    ordered()
    with transaction.atomic():
        with pytest.raises(SubjectHeld):
            request_disbursement(request=request_for(), actor=BY, now=NOW)
        assert ordered("other") > 0


def test_request_for_later_leaves_the_pot_whole() -> None:
    assert snapshot(ordered(scheduled_at=TOMORROW)) == Snapshot("scheduled", [], PAYOUT_MSAT, 0)
