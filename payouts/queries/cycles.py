from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import islice

from fees.queries import expected_fee
from fees.types import PricedFor
from ledger.enums import Currency
from payouts.calculations import contribution_subject, cycle_subject, is_paid
from payouts.enums import STATUS_OF_CONTRIBUTION, STATUS_OF_PAID_OUT_CYCLE, ContributionStatus, CycleState
from payouts.errors import ContributionMissing, ContributionNotOfCycle, ContributionNotRequested, CycleMissing
from payouts.models import Contribution, Cycle, CycleReopening
from payouts.types import ContributionFacts, CycleFacts, Position
from sunusav.core.money import sats_from_msat
from transfers.collection_queries import collections_for, settled_subjects
from transfers.credit_queries import credit_used_for, credit_uses_for
from transfers.destination_queries import masked_destinations
from transfers.enums import CollectionState, DisbursementState
from transfers.queries import disbursement_for, disbursements_for, newest_withdrawal
from transfers.types import (
    CollectionFacts,
    CreditUseFacts,
    DisbursementFacts,
    MaskedDestination,
    WithdrawalFacts,
)

WITHOUT_REQUEST = (CollectionState.CANCELLED, CollectionState.WITHDRAWN)


def cycle(cycle_id: str) -> CycleFacts:
    """Return one cycle. Raises: CycleMissing."""
    return cycle_facts([stored_cycle(cycle_id)])[0]


def stored_cycle(cycle_id: str) -> Cycle:
    """Return the row of a cycle with its group. Raises: CycleMissing."""
    row = Cycle.objects.select_related("group").filter(pk=cycle_id).first()
    if row is None:
        raise CycleMissing(cycle_id=cycle_id)
    return row


def cycles_page(after: Position | None, limit: int, **filters: str) -> Sequence[CycleFacts]:
    """Return cycles in the order of their identifiers, after a position; the filters are columns."""
    rows = Cycle.objects.filter(**filters)
    if after is not None:
        rows = rows.filter(pk__gt=after[0])
    return cycle_facts(list(rows.order_by("pk")[:limit]))


def cycle_facts(rows: Sequence[Cycle]) -> list[CycleFacts]:
    """Return cycles with the status of their contributions and payouts, in a fixed number of queries."""
    settled = settled_counts([row.pk for row in rows if row.state == CycleState.COLLECTING])
    payouts = disbursements_for([cycle_subject(row.pk) for row in rows])
    masked = _masked_destinations(rows)
    reopened = _reopened(payouts.values())
    return [
        _cycle(row, settled, payouts.get(cycle_subject(row.pk)), destinations, reopened)
        for row, destinations in zip(rows, masked, strict=True)
    ]


def _reopened(payouts: Iterable[DisbursementFacts]) -> set[int]:
    """Return those of these payouts that were reversed and whose cycle was reopened, in one query at most."""
    reversed_ids = [payout.id for payout in payouts if payout.state == DisbursementState.REVERSED]
    found = (
        CycleReopening.objects.filter(payout_id__in=reversed_ids)
        if reversed_ids
        else CycleReopening.objects.none()
    )
    return set(found.values_list("payout_id", flat=True))


def _masked_destinations(rows: Sequence[Cycle]) -> list[list[MaskedDestination]]:
    """Return where the winner of each cycle is paid, masked, in one query."""
    masked = iter(masked_destinations([one for row in rows for one in row.destinations]))
    return [list(islice(masked, len(row.destinations))) for row in rows]


def _cycle(
    row: Cycle,
    settled: Counter[str],
    payout: DisbursementFacts | None,
    destinations: Sequence[MaskedDestination],
    reopened: Collection[int],
) -> CycleFacts:
    is_reopened = payout is not None and payout.id in reopened
    return CycleFacts(
        id=row.pk, group_id=row.group_id, cycle_index=row.cycle_index,
        contribution_sats=row.contribution_sats, winner_user_id=row.winner_user_id,
        members_count=row.members_count, payout_total_sats=row.payout_total_sats,
        status=_status(row, payout, is_reopened=is_reopened),
        contributions_settled=(
            settled[row.pk] if row.settled_count is None else row.settled_count
        ),
        is_short=row.is_short,
        destination=destinations[0] if destinations else None,
        destination_replaced_at=row.destination_replaced_at,
        second_choice=destinations[1] if destinations[1:] else None,
        created_at=row.created_at, ready_at=row.ready_at, cancelled_at=row.cancelled_at,
        payout_failure=payout.failure if payout else None, payout=payout, is_reopened=is_reopened,
    )  # fmt: skip


def status_of(row: Cycle, payout: DisbursementFacts | None) -> str:
    """Return the status of a cycle that clients see."""
    return _status(row, payout, is_reopened=payout is not None and is_reopened(payout))


def _status(row: Cycle, payout: DisbursementFacts | None, *, is_reopened: bool) -> str:
    if payout is None or row.state == CycleState.CANCELLED or is_reopened:
        return row.state
    return STATUS_OF_PAID_OUT_CYCLE[DisbursementState(payout.state)]


def is_reopened(payout: DisbursementFacts) -> bool:
    """Return whether two people let the cycle of a reversed payout be paid again."""
    is_reversed = payout.state == DisbursementState.REVERSED
    return is_reversed and CycleReopening.objects.filter(payout_id=payout.id).exists()


def payout_in_force(cycle_id: str) -> DisbursementFacts | None:
    """Return the payout of a cycle, unless it was cancelled, or reversed and the cycle reopened."""
    payout = disbursement_for(cycle_subject(cycle_id))
    if payout is None or payout.state == DisbursementState.CANCELLED or is_reopened(payout):
        return None
    return payout


def settled_counts(cycle_ids: Sequence[str]) -> Counter[str]:
    """Count the contributions of each cycle that are settled in full."""
    rows = Contribution.objects.filter(cycle_id__in=cycle_ids).only("cycle_id", "amount_sats")
    return Counter(row.cycle_id for row in settled_contributions(list(rows)))


def settled_contributions(rows: Sequence[Contribution]) -> list[Contribution]:
    """Return those of these contributions that are settled in full, by their requests or by credit."""
    subjects = [contribution_subject(row.pk) for row in rows]
    collected, used = settled_subjects(subjects), credit_used_for(subjects)
    return [
        row
        for row, subject in zip(rows, subjects, strict=True)
        if is_paid(row.amount_sats, is_collected=subject in collected, credit_used_msat=used.get(subject, 0))
    ]


def missing_contributions(row: Cycle) -> int:
    """Count the contributions of a cycle that are not settled in full."""
    return row.members_count - settled_counts([row.pk])[row.pk]


def priced_for(row: Cycle) -> PricedFor:
    """Return the group, winner and partner that a cycle's fee is computed for."""
    return PricedFor(
        group_ref=row.group_id,
        winner_ref=row.winner_user_id,
        settlement_partner=row.group.settlement_partner_id,
    )


def expected_net_sats(cycle_id: str, *, at: datetime) -> int | None:
    """Return the fixed net of a ready cycle, else the net to expect now; None while collecting."""
    row = stored_cycle(cycle_id)
    if row.state != CycleState.READY:
        return None
    return net_sats(row, payout_in_force(cycle_id), at=at)


def net_sats(row: Cycle, payout: DisbursementFacts | None, *, at: datetime) -> int:
    """Return the net that the payout of a cycle was fixed with, else the net to expect at that moment."""
    if payout is not None and payout.net_sats is not None:
        return payout.net_sats
    return expected_fee(row.payout_total_sats, priced_for(row), at).net_sats


def contribution(cycle_id: str, user_id: str) -> ContributionFacts:
    """Return the contribution of one member to a cycle. Raises: CycleMissing, ContributionMissing."""
    row = Contribution.objects.filter(cycle_id=cycle_id, user_id=user_id).select_related("cycle").first()
    if row is None:
        stored_cycle(cycle_id)
        raise ContributionMissing(cycle_id=cycle_id, user_id=user_id)
    return _contribution_facts([row])[0]


def contribution_by_id(cycle_id: str, contribution_id: int) -> ContributionFacts:
    """Return one contribution by its id. Raises: CycleMissing, ContributionNotOfCycle."""
    row = Contribution.objects.filter(cycle_id=cycle_id, pk=contribution_id).select_related("cycle").first()
    if row is None:
        stored_cycle(cycle_id)
        raise ContributionNotOfCycle(cycle_id=cycle_id, contribution_id=contribution_id)
    return _contribution_facts([row])[0]


def open_invoice_of(cycle_id: str, contribution_id: int, *, at: datetime) -> str:
    """Return the Lightning invoice by which a contribution can be paid now.

    Raises: CycleMissing, ContributionNotOfCycle, ContributionNotRequested.
    """
    owed = contribution_by_id(cycle_id, contribution_id)
    is_expired = owed.expires_at is not None and owed.expires_at <= at
    if owed.status != ContributionStatus.INVOICED or is_expired or not owed.payment_request:
        raise ContributionNotRequested(
            cycle_id=cycle_id, contribution_id=contribution_id, contribution_status=owed.status
        )
    return owed.payment_request


def withdrawal_link(cycle_id: str) -> WithdrawalFacts:
    """Return the newest withdrawal link of a cycle. Raises: CycleMissing, WithdrawalLinkMissing."""
    stored_cycle(cycle_id)
    return newest_withdrawal(cycle_subject(cycle_id))


def contributions_page(after: Position | None, limit: int, *, cycle_id: str) -> Sequence[ContributionFacts]:
    """Return a cycle's contributions in the order of their ids. Raises: CycleMissing."""
    stored_cycle(cycle_id)
    rows = Contribution.objects.filter(cycle_id=cycle_id).select_related("cycle")
    if after is not None:
        rows = rows.filter(pk__gt=after[0])
    return _contribution_facts(list(rows.order_by("pk")[:limit]))


def _contribution_facts(rows: Sequence[Contribution]) -> list[ContributionFacts]:
    subjects = [contribution_subject(row.pk) for row in rows]
    collections, uses = collections_for(subjects), credit_uses_for(subjects)
    return [
        _contribution(row, collections.get(subject), uses.get(subject))
        for row, subject in zip(rows, subjects, strict=True)
    ]


def _contribution(
    row: Contribution, collection: CollectionFacts | None, use: CreditUseFacts | None
) -> ContributionFacts:
    used_msat = use.amount_msat if use else 0
    is_covered = is_paid(row.amount_sats, is_collected=False, credit_used_msat=used_msat)
    if collection is not None and (is_covered or collection.state in WITHOUT_REQUEST):
        collection = None  # what nobody can pay any more, or has to, must not be shown as payable
    status = contribution_status(row, collection, use)
    settled_at = collection.settled_at if collection else None
    if collection is None and use is not None:
        settled_at = use.used_at
    return ContributionFacts(
        id=row.pk, cycle_id=row.cycle_id, user_id=row.user_id, amount_sats=row.amount_sats,
        amount_xof=_asked_xof(collection), status=status,
        credit_used_sats=sats_from_msat(use.amount_msat) if use else 0,
        method=collection.method if collection else "",
        payment_request=collection.payment_request if collection else "",
        checkout_url=collection.checkout_url if collection else "",
        expires_at=collection.expires_at if collection else None,
        settled_at=settled_at,
    )  # fmt: skip


def _asked_xof(collection: CollectionFacts | None) -> int | None:
    if collection is None or collection.amount.currency is not Currency.XOF:
        return None
    return collection.amount.amount


def contribution_status(
    row: Contribution, collection: CollectionFacts | None, use: CreditUseFacts | None
) -> str:
    """Return the status of a contribution that clients see."""
    if row.return_transaction_id is not None:
        return ContributionStatus.RETURNED
    is_collected = collection is not None and collection.state == CollectionState.SETTLED
    if is_paid(row.amount_sats, is_collected=is_collected, credit_used_msat=use.amount_msat if use else 0):
        return ContributionStatus.SETTLED
    if row.cycle.state != CycleState.COLLECTING:
        return ContributionStatus.MISSED
    if collection is None:
        return ContributionStatus.PENDING
    return STATUS_OF_CONTRIBUTION[CollectionState(collection.state)]
