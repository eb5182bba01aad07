"""What is kept about a person here, and in the apps below for cycles, contributions and refunds that are theirs."""

from collections.abc import Iterator

from fees.queries import fixed_fees
from payouts.calculations import contribution_subject, cycle_subject, payee_of, refund_subject
from payouts.enums import MEMBER_CORRECTION, MEMBER_ERASURE, REFUND_PAYMENT
from payouts.models import (
    Contribution,
    Cycle,
    Member,
    MemberErasure,
    ProposedCorrection,
    ProposedDestination,
    ProposedExchange,
    ProposedRefund,
    Refund,
)
from payouts.queries.people import memberships
from sunusav.core.person_export import PersonalSection, Row, proposals_about, trail_about, trail_naming
from transfers import person_queries
from transfers.services.credit_transfers import CREDIT_TRANSFER
from transfers.types import member_ref

# Whose


def _contributions(user_id: str) -> list[Contribution]:
    """Return what a person owed, found by way of their groups: contributions have no index by person alone."""
    groups = {row.group_id for row in memberships(user_id)}
    found = Contribution.objects.filter(user_id=user_id, cycle__group_id__in=groups)
    return list(found.select_related("cycle").order_by("pk"))


def _won(user_id: str) -> list[Cycle]:
    return list(Cycle.objects.filter(winner_user_id=user_id).order_by("pk"))


def _contribution_subjects(user_id: str) -> list[str]:
    return [contribution_subject(row.pk) for row in _contributions(user_id)]


def _refund_subjects(user_id: str) -> list[str]:
    return [refund_subject(pk) for pk in Refund.objects.filter(user_id=user_id).values_list("pk", flat=True)]


def _paid_subjects(user_id: str) -> list[str]:
    """Return what a person may have been paid for: their cycles, whose turn they may have had before, and refunds."""
    cycles = {row.cycle_id for row in _contributions(user_id)} | {row.pk for row in _won(user_id)}
    return [*map(cycle_subject, cycles), *_refund_subjects(user_id)]


# Rows


def members(user_id: str) -> Iterator[Row]:
    """Yield the memberships of a person, with their name and phone in full; None once their data was erased."""
    person = member_ref(user_id)
    for row in Member.objects.select_related("group").filter(user_id=user_id).order_by("pk"):
        yield {
            "group": row.group_id, "group_name": row.group.name,
            "name": person_queries.revealed(person, row.sealed_name),
            "phone": person_queries.revealed(person, row.sealed_phone),
            "added_at": row.added_at, "left_at": row.left_at, "phone_replaced_at": row.phone_replaced_at,
        }  # fmt: skip


def contributions(user_id: str) -> Iterator[Row]:
    for row in _contributions(user_id):
        yield {
            "contribution": row.pk, "cycle": row.cycle_id, "group": row.cycle.group_id,
            "amount_sats": row.amount_sats, "returned_by_transaction": row.return_transaction_id,
        }  # fmt: skip


def payment_requests(user_id: str) -> Iterator[Row]:
    return person_queries.payment_requests(_contribution_subjects(user_id))


def credit_uses(user_id: str) -> Iterator[Row]:
    return person_queries.credit_uses(_contribution_subjects(user_id))


def cycles_won(user_id: str) -> Iterator[Row]:
    """Yield the cycles whose turn is a person's, with their destinations."""
    for row in _won(user_id):
        yield {
            "cycle": row.pk, "group": row.group_id, "cycle_index": row.cycle_index, "state": row.state,
            "destinations": [
                person_queries.shown_destination(one) for one in row.destinations
            ],
            "destination_set_at": row.destination_set_at, "turn_received_at": row.winner_replaced_at,
            "reopened_at": [one.reopened_at for one in row.reopenings.order_by("pk")],
        }  # fmt: skip


def proposed_turns(user_id: str) -> Iterator[Row]:
    cycles = {row.cycle_id for row in _contributions(user_id)}
    for row in ProposedExchange.objects.filter(winner_user_id=user_id, cycle__in=cycles).order_by("pk"):
        yield {"cycle": row.cycle_id, "proposed_at": row.proposed_at}


def payments(user_id: str) -> Iterator[Row]:
    return person_queries.payments(_paid_subjects(user_id), payee_ref=payee_of(user_id))


def fees(user_id: str) -> Iterator[Row]:
    """Yield the fees of a person's payouts."""
    charged = [payment["assessment"] for payment in payments(user_id) if payment["assessment"]]
    for fee in fixed_fees(charged).values():
        yield {
            "subject": fee.subject, "payout_sats": fee.payout_sats, "fee_sats": fee.split.fee_sats,
            "platform_sats": fee.split.platform_sats, "community_sats": fee.split.community_sats,
            "partner_sats": fee.split.partner_sats, "net_sats": fee.split.net_sats,
            "schedule_version": fee.schedule_version, "fixed_at": fee.fixed_at,
        }  # fmt: skip


def withdrawal_links(user_id: str) -> Iterator[Row]:
    """Yield the links for turns that a person has, opened since it is theirs."""
    since = {cycle_subject(row.pk): row.winner_replaced_at for row in _won(user_id)}
    for link in person_queries.withdrawal_links(since):
        begun = since[link["subject"]]
        if begun is None or link["opened_at"] >= begun:
            yield link


def refunds(user_id: str) -> Iterator[Row]:
    for row in Refund.objects.filter(user_id=user_id).order_by("pk"):
        yield {
            "refund": row.pk, "amount_sats": row.amount_sats, "reason": row.reason,
            "requested_by": row.requested_by, "requested_at": row.requested_at,
        }  # fmt: skip


def proposed_refunds(user_id: str) -> Iterator[Row]:
    person = member_ref(user_id)
    for row in ProposedRefund.objects.filter(user_id=user_id).order_by("pk"):
        yield {
            "amount_sats": row.amount_sats, "rail": row.rail, "kind": row.kind,
            "destination": person_queries.revealed(person, row.sealed_value), "reason": row.reason,
            "proposed_at": row.proposed_at,
        }  # fmt: skip


def proposed_destinations(user_id: str) -> Iterator[Row]:
    won = {row.pk for row in _won(user_id)} | {row.cycle_id for row in _contributions(user_id)}
    for row in ProposedDestination.objects.filter(cycle__in=won, winner_user_id=user_id).order_by("pk"):
        yield {
            "cycle": row.cycle_id, "proposed_at": row.proposed_at,
            "destinations": [person_queries.shown_destination(one) for one in row.destinations],
        }  # fmt: skip


def corrections(user_id: str) -> Iterator[Row]:
    person = member_ref(user_id)
    for row in ProposedCorrection.objects.filter(user_id=user_id).order_by("pk"):
        yield {
            "name": person_queries.revealed(person, row.sealed_name),
            "phone": person_queries.revealed(person, row.sealed_phone), "proposed_at": row.proposed_at,
        }  # fmt: skip


def receipts(user_id: str) -> Iterator[Row]:
    payouts = [f"disbursement:{payment['payment']}" for payment in payments(user_id)]
    subjects = [*payouts, *_contribution_subjects(user_id), *_refund_subjects(user_id)]
    return person_queries.receipts(subjects)


def erasures(user_id: str) -> Iterator[Row]:
    for row in MemberErasure.objects.filter(user_id=user_id):
        yield {
            "erased_at": row.erased_at, "proposed_by": row.proposer.get_username(),
            "approved_by": row.approver.get_username(),
        }  # fmt: skip


# Who decided, and the trail


def _proposed(user_id: str) -> dict[str, list[str]]:
    """Return what was proposed about a person: the subjects of the proposals by their kind."""
    members_of = [str(row.pk) for row in memberships(user_id)]
    refunds_of = ProposedRefund.objects.filter(user_id=user_id).values_list("pk", flat=True)
    return {
        MEMBER_ERASURE: members_of,
        MEMBER_CORRECTION: members_of,
        REFUND_PAYMENT: [str(pk) for pk in refunds_of],
        CREDIT_TRANSFER: [str(pk) for pk in person_queries.credit_transfer_ids(user_id)],
    }


def proposals(user_id: str) -> Iterator[Row]:
    for kind, subjects in _proposed(user_id).items():
        yield from proposals_about(kind, subjects)


def trail(user_id: str) -> list[Row]:
    """Return the trail about a person, the oldest first, and what the trail of their groups and cycles has of them."""
    theirs = [
        member_ref(user_id), f"discount:{payee_of(user_id)}", *_contribution_subjects(user_id),
        *_refund_subjects(user_id), *(f"disbursement:{row['payment']}" for row in payments(user_id)),
        *(f"{kind}:{key}" for kind, keys in _proposed(user_id).items() for key in keys),
    ]  # fmt: skip
    groups = [f"group:{row.group_id}" for row in memberships(user_id)]
    cycles = [cycle_subject(row.cycle_id) for row in _contributions(user_id)]
    found = [*trail_about(theirs), *trail_naming([*groups, *cycles], user_id)]
    return sorted(found, key=lambda row: row["at"])


SECTIONS = [
    PersonalSection("memberships", ("payouts.Member",), members),
    PersonalSection("contributions", ("payouts.Contribution",), contributions),
    PersonalSection("payment_requests", ("transfers.Collection", "transfers.Receipt"), payment_requests),
    PersonalSection("credit_uses", ("transfers.CreditUse",), credit_uses),
    PersonalSection("cycles_won", ("payouts.Cycle", "payouts.CycleReopening"), cycles_won),
    PersonalSection("proposed_turns", ("payouts.ProposedExchange",), proposed_turns),
    PersonalSection(
        "payments",
        (
            "transfers.Disbursement",
            "transfers.DisbursementDestination",
            "transfers.PaymentOrder",
            "transfers.Attempt",
            "transfers.Reversal",
        ),
        payments,
    ),
    PersonalSection("fees", ("fees.FeeAssessment",), fees),
    PersonalSection("withdrawal_links", ("transfers.WithdrawalLink",), withdrawal_links),
    PersonalSection("refunds", ("payouts.Refund",), refunds),
    PersonalSection("proposed_refunds", ("payouts.ProposedRefund",), proposed_refunds),
    PersonalSection("proposed_destinations", ("payouts.ProposedDestination",), proposed_destinations),
    PersonalSection("corrections", ("payouts.ProposedCorrection",), corrections),
    PersonalSection("receipts", ("transfers.IssuedReceipt", "transfers.ReceiptLink"), receipts),
    PersonalSection("erasures", ("payouts.MemberErasure", "core.PersonKey"), erasures),
    PersonalSection("proposals", ("core.Proposal",), proposals),
    PersonalSection("trail", ("core.TrailEntry",), trail),
]
