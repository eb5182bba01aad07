"""Reads of attempts and their orders: open, in doubt, or paid outside the books."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Count, Exists, Min, OuterRef, QuerySet

from transfers.enums import LIVE_ATTEMPT_STATES, OPEN_ATTEMPT_STATES, UNPAID_ATTEMPT_STATES, AttemptState
from transfers.models import Attempt, PaymentOrder, ProviderAnswer, ResolvedAttempt
from transfers.rails import rail


def may_leave_until(attempt: Attempt) -> datetime:
    """Return the last moment at which the provider may still accept a send of an attempt.

    One that was never sent was paid by an earlier send of its order, and cannot be late itself.
    """
    return (attempt.send_not_after or attempt.opened_at) + rail(attempt.order.rail).late_by


def has_payable_order(disbursement_id: int, *, now: datetime) -> bool:
    """Return whether an order of a disbursement could still be paid by its own terms."""
    payable = PaymentOrder.objects.filter(disbursement_id=disbursement_id, give_up_after__gte=now)
    return payable.exists()


def unsettled_until(disbursement_id: int, *, now: datetime) -> datetime | None:
    """Return until when closed orders of a disbursement may still be paid; None when certainly none can.

    One is certainly unpaid when the provider confirmed it after the last moment at which it could leave.
    """
    unsettled = _unsettled_tries([disbursement_id])
    return max((max(_leaves_until(tries), now) for tries in unsettled), default=None)


def attempt_in_doubt_of(disbursement_id: int) -> Attempt | None:
    """Return the last attempt of the first closed order that was not confirmed as unpaid since it was last sent."""
    return attempts_in_doubt_of([disbursement_id]).get(disbursement_id)


def attempts_in_doubt_of(disbursement_ids: Sequence[int]) -> dict[int, Attempt]:
    """Return, per disbursement, what `attempt_in_doubt_of` returns, in one query; not of payments outside the books."""
    found: dict[int, Attempt] = {}
    for tries in _unsettled_tries(disbursement_ids):
        if all(one.paid_outside_at is None for one in tries):
            found.setdefault(tries[-1].disbursement_id, tries[-1])
    return found


def _unsettled_tries(disbursement_ids: Sequence[int]) -> list[list[Attempt]]:
    """Return the attempts of each closed order that was not confirmed as unpaid after it could leave, oldest first."""
    live = Attempt.objects.filter(order=OuterRef("order"), state__in=LIVE_ATTEMPT_STATES)
    closed = Attempt.objects.filter(
        ~Exists(live), disbursement_id__in=disbursement_ids, state__in=UNPAID_ATTEMPT_STATES
    )
    by_order: dict[int, list[Attempt]] = {}
    for attempt in closed.select_related("order", "disbursement").order_by("pk"):
        by_order.setdefault(attempt.order_id, []).append(attempt)
    return [tries for tries in by_order.values() if not _is_settled(tries)]


def _is_settled(tries: Sequence[Attempt]) -> bool:
    unpaid_at = max((one.unpaid_at for one in tries if one.unpaid_at is not None), default=None)
    return unpaid_at is not None and unpaid_at >= _leaves_until(tries)


def _leaves_until(tries: Sequence[Attempt]) -> datetime:
    return max(may_leave_until(one) for one in tries)


def open_attempt_of(disbursement_id: int) -> Attempt | None:
    """Return the open attempt of a disbursement, with its order."""
    return open_attempts_of([disbursement_id]).get(disbursement_id)


def open_attempts_of(disbursement_ids: Sequence[int]) -> dict[int, Attempt]:
    """Return, per disbursement, its open attempt with its order, in one query."""
    open_ones = Attempt.objects.filter(disbursement_id__in=disbursement_ids, state__in=OPEN_ATTEMPT_STATES)
    return {row.disbursement_id: row for row in open_ones.select_related("order", "disbursement")}


def paid_outside_books() -> QuerySet[Attempt]:
    """Return the attempts that were paid although nothing in the books stands for it, until it is written off."""
    booked = Attempt.objects.filter(order=OuterRef("order"), state=AttemptState.SUCCEEDED)
    written_off = ResolvedAttempt.objects.filter(written_off_attempt=OuterRef("pk"))
    outside = Attempt.objects.filter(paid_outside_at__isnull=False, state__in=UNPAID_ATTEMPT_STATES)
    return outside.filter(~Exists(booked), ~Exists(written_off))


def paid_outside_since() -> tuple[int, datetime | None]:
    """Count the payments outside the books; return also since when the oldest waits."""
    found = paid_outside_books().aggregate(count=Count("pk"), since=Min("paid_outside_at"))
    return found["count"], found["since"]


def attempts_outside_books_of(disbursement_ids: Sequence[int]) -> dict[int, Attempt]:
    """Return, per disbursement, its first attempt that was paid outside the books, with its order, in one query."""
    outside = paid_outside_books().filter(disbursement_id__in=disbursement_ids).order_by("-pk")
    return {row.disbursement_id: row for row in outside.select_related("order", "disbursement")}


def newest_answer(attempt_id: int) -> ProviderAnswer | None:
    """Return the newest stored answer about an attempt; the same answer came again until `asked_at` of the attempt."""
    return ProviderAnswer.objects.filter(attempt_id=attempt_id).order_by("-pk").first()


def was_resolved(attempt_id: int) -> bool:
    """Return whether two people decided the outcome of this attempt."""
    return ResolvedAttempt.objects.filter(decided_attempt=attempt_id).exists()


def paid_attempt_of(disbursement_id: int) -> Attempt | None:
    """Return the attempt by which a disbursement was paid, with its order."""
    paid = Attempt.objects.filter(disbursement_id=disbursement_id, state=AttemptState.SUCCEEDED)
    return paid.select_related("order", "disbursement").first()
