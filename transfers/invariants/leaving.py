"""Orders that may still be paid: nothing else was done while one could leave, and each is asked about."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain

from django.db.models import Exists, OuterRef

from sunusav.core.auditing import AuditScope, Breach
from sunusav.core.models import TrailEntry
from transfers.attempt_queries import paid_outside_books
from transfers.enums import UNPAID_ATTEMPT_STATES, AttemptState, DisbursementState
from transfers.invariants.scope import attempt_pages, disbursement_pages, name_of_attempt
from transfers.models import Attempt, Disbursement, ResolvedAttempt
from transfers.queries import subject_of

UNPAID = Attempt.objects.filter(state__in=UNPAID_ATTEMPT_STATES)
SENT = Attempt.objects.filter(sent_at__isnull=False)


def another_order_waited(scope: AuditScope) -> Iterator[Breach]:
    """Yield each attempt that was opened while another order for its subject could still leave."""
    for page in attempt_pages(scope, SENT):
        of_subjects = SENT.filter(disbursement__subject__in={row.disbursement.subject for row in page})
        sent = _by_subject(of_subjects.select_related("disbursement"))
        for row in page:
            for other in sent[row.disbursement.subject]:
                if _could_leave_beside(other, row):
                    detail = f"opened while {name_of_attempt(other)} could leave"
                    yield Breach("I23", name_of_attempt(row), detail)


def _by_subject(attempts: Iterable[Attempt]) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        found.setdefault(attempt.disbursement.subject, []).append(attempt)
    return found


def _could_leave_beside(other: Attempt, row: Attempt) -> bool:
    assert other.send_not_after is not None, "a constraint holds this too"  # noqa: S101  (a programmer's mistake)
    is_earlier = other.pk < row.pk and other.order_id != row.order_id
    return is_earlier and not _was_paid_and_reversed(other, row) and row.opened_at < other.send_not_after


def _was_paid_and_reversed(other: Attempt, row: Attempt) -> bool:
    """Return whether an earlier payment of the subject was paid and its money came back: it leaves no more."""
    is_of_another = other.disbursement_id != row.disbursement_id
    is_reversed = other.disbursement.state == DisbursementState.REVERSED
    return is_of_another and is_reversed and other.state == AttemptState.SUCCEEDED


def cancelling_waited(scope: AuditScope) -> Iterator[Breach]:
    """Yield each disbursement that was cancelled while an order of it could still leave."""
    cancelled = Disbursement.objects.filter(state=DisbursementState.CANCELLED)
    for page in disbursement_pages(scope, cancelled):
        leaves = _latest_moments([row.pk for row in page])
        subjects = [subject_of(pk) for pk in leaves]
        entries = TrailEntry.objects.filter(subject__in=subjects, action="cancel").order_by("pk")
        cancelled_at = dict(entries.values_list("subject", "at"))
        for pk, leaves_until in leaves.items():
            at = cancelled_at.get(subject_of(pk))
            if at is not None and at < leaves_until:
                yield Breach(
                    "I24", subject_of(pk), f"cancelled at {at}, an order could leave until {leaves_until}"
                )


def _latest_moments(disbursement_ids: list[int]) -> dict[int, datetime]:
    sent = SENT.filter(disbursement_id__in=disbursement_ids, send_not_after__isnull=False)
    moments = sent.order_by("send_not_after").values_list("disbursement_id", "send_not_after")
    return {pk: moment for pk, moment in moments if moment is not None}


def none_paid_outside(scope: AuditScope) -> Iterator[Breach]:
    """Yield each order that was paid although nothing in the books stands for its payment, with its age."""
    for row in chain.from_iterable(attempt_pages(scope, paid_outside_books())):
        assert row.paid_outside_at is not None, "selected by it"  # noqa: S101  (for the type checker)
        age = timedelta(seconds=(scope.now - row.paid_outside_at) // timedelta(seconds=1))
        detail = f"paid by {row.order.reference}, not in the books for {age}"
        yield Breach("I25", name_of_attempt(row), detail)


def payable_orders_are_asked_about(scope: AuditScope) -> Iterator[Breach]:
    """Yield each closed order that may still be paid, and about which nobody will ask.

    One that two people resolved is not asked about.
    """
    payable = UNPAID.filter(
        ~Exists(ResolvedAttempt.objects.filter(decided_attempt=OuterRef("pk"))), disbursement__due_at=None,
        paid_outside_at=None, order__give_up_after__gt=scope.now,
    )  # fmt: skip
    for row in chain.from_iterable(attempt_pages(scope, payable)):
        if not _is_resent(row):
            detail = f"may be paid until {row.order.give_up_after}, and is not asked about"
            yield Breach("I26", name_of_attempt(row), detail)


def _is_resent(row: Attempt) -> bool:
    """Return whether a later attempt is for the same order, which speaks for it."""
    return Attempt.objects.filter(order_id=row.order_id, pk__gt=row.pk).exists()
