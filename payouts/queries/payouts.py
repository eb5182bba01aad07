from collections.abc import Sequence

from fees.queries import fixed_fee
from fees.types import FixedFee
from payouts.calculations import CYCLE, cycle_subject
from payouts.enums import NOT_INITIATED
from payouts.errors import CycleMissing, PayoutMissing
from payouts.models import Cycle
from payouts.queries.cycles import status_of, stored_cycle
from payouts.types import PayoutFacts, PayoutStatus, Position
from sunusav.core.subjects import key_of, kind_name
from transfers.errors import DisbursementMissing
from transfers.queries import disbursement, disbursement_for, disbursements_page
from transfers.types import DisbursementFacts


def payout(payout_id: int) -> PayoutFacts:
    """Return one payout: the disbursement of a cycle. Raises: PayoutMissing."""
    return _facts([_disbursement(payout_id)])[0]


def payout_of(cycle_id: str) -> PayoutStatus:
    """Return the status of a cycle and of its payout. Raises: CycleMissing."""
    row = stored_cycle(cycle_id)
    found = disbursement_for(cycle_subject(cycle_id))
    return PayoutStatus(
        cycle_id=cycle_id,
        cycle_status=status_of(row, found),
        payout_status=found.state if found else NOT_INITIATED,
        payout=_facts([found])[0] if found else None,
    )


def payouts_page(
    after: Position | None, limit: int, *, status: str = "", group_id: str = "", cycle_id: str = ""
) -> Sequence[PayoutFacts]:
    """Return payouts, newest first, after a position."""
    found = disbursements_page(
        prefix=f"{CYCLE}:", subjects=_subjects(group_id, cycle_id), state=status,
        before_id=after[0] if after else None, limit=limit,
    )  # fmt: skip
    return _facts(found)


def fee_of(facts: PayoutFacts) -> FixedFee | None:
    """Return the fee of a payout, if it is fixed."""
    return fixed_fee(facts.assessment_id) if facts.assessment_id else None


def cycle_of(payout_id: int) -> str:
    """Return the cycle that a payout belongs to. Raises: PayoutMissing."""
    return key_of(_disbursement(payout_id).subject)


def _disbursement(payout_id: int) -> DisbursementFacts:
    try:
        found = disbursement(payout_id)
    except DisbursementMissing:
        raise PayoutMissing(payout_id=payout_id) from None
    if kind_name(found.subject) != CYCLE:
        raise PayoutMissing(payout_id=payout_id)
    return found


def _subjects(group_id: str, cycle_id: str) -> list[str] | None:
    if not group_id and not cycle_id:
        return None
    cycles = Cycle.objects.all()
    if group_id:
        cycles = cycles.filter(group_id=group_id)
    if cycle_id:
        cycles = cycles.filter(pk=cycle_id)
    return [cycle_subject(pk) for pk in cycles.values_list("pk", flat=True)]


def _facts(found: Sequence[DisbursementFacts]) -> list[PayoutFacts]:
    cycles = {key_of(disbursement.subject) for disbursement in found}
    group_of = dict(Cycle.objects.filter(pk__in=cycles).values_list("pk", "group_id"))
    return [_payout(disbursement, group_of) for disbursement in found]


def _payout(found: DisbursementFacts, group_of: dict[str, str]) -> PayoutFacts:
    cycle_id = key_of(found.subject)
    if cycle_id not in group_of:
        raise CycleMissing(cycle_id=cycle_id)
    return PayoutFacts(
        id=found.id, cycle_id=cycle_id, group_id=group_of[cycle_id], status=found.state,
        payout_total_sats=found.payout_sats, fee_sats=found.fee_sats, net_sats=found.net_sats,
        rail=found.rail, reference=found.reference, failure=found.failure,
        attempts_made=found.attempts_made,
        assessment_id=found.assessment_id, scheduled_at=found.scheduled_at, created_at=found.requested_at,
        completed_at=found.completed_at,
    )  # fmt: skip
