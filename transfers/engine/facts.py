"""The facts about a payment's orders that `decisions` needs, made from stored attempts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from django.db.models import Exists, F, OuterRef

from transfers.attempt_queries import may_leave_until
from transfers.engine.situation import Doubt, OrderFacts
from transfers.enums import UNPAID_ATTEMPT_STATES, AttemptState, FailureClass, FailureCode
from transfers.models import Attempt, PaymentOrder, ResolvedAttempt
from transfers.rails import Rail, rail
from transfers.types import Succeeded


def attempts_for(subjects: Iterable[str]) -> dict[str, list[Attempt]]:
    """Return all attempts of each subject that has any, oldest first, also of disbursements cancelled since."""
    attempts = Attempt.objects.filter(disbursement__subject__in=list(subjects)).annotate(
        subject=F("disbursement__subject"),
        was_resolved=Exists(ResolvedAttempt.objects.filter(decided_attempt=OuterRef("pk"))),
    )
    found: dict[str, list[Attempt]] = {}
    for attempt in attempts.select_related("order__disbursement").order_by("id"):
        found.setdefault(attempt.subject, []).append(attempt)
    return found


def order_facts(
    attempts: Sequence[Attempt],
    *,
    disbursement_id: int,
    queried: Collection[int] = (),
    doubts: Mapping[int, Doubt] | None = None,
) -> list[OrderFacts]:
    """Return the facts about each order, in the order of their newest attempts.

    `queried` has the orders that the provider was asked about under this claim, by their id, `doubts` those that it did
    not confirm as unpaid.
    """
    in_doubt = doubts or {}
    by_order: dict[int, list[Attempt]] = {}
    for attempt in attempts:
        by_order.setdefault(attempt.order_id, []).append(attempt)
    ours = [one for one in attempts if one.disbursement_id == disbursement_id]
    holds = sum(one.failure_class == FailureClass.HOLD for one in ours)
    facts = [
        replace(
            _facts_of(tries, disbursement_id=disbursement_id), holds=holds, was_queried=order_id in queried,
            doubt=in_doubt.get(order_id),
        )
        for order_id, tries in by_order.items()
    ]  # fmt: skip
    return sorted(facts, key=lambda one: one.attempt_id)


def _facts_of(tries: Sequence[Attempt], *, disbursement_id: int) -> OrderFacts:
    newest = tries[-1]
    order, paid_by = newest.order, rail(newest.order.rail)
    return OrderFacts(
        attempt_id=newest.pk, is_ours=newest.disbursement_id == disbursement_id, state=AttemptState(newest.state),
        source=order.source, prepared_at=order.prepared_at, expires_at=order.expires_at,
        give_up_after=order.give_up_after, may_leave_until=max(map(may_leave_until, tries)),
        send_deadline=timedelta(seconds=paid_by.send_deadline_seconds), late_by=paid_by.late_by,
        search_window=paid_by.search_window,
        is_renewable=order.is_renewable, was_sent_again=any(one.sends > 1 for one in tries),
        may_have_left=any(one.sends > 0 for one in tries),
        was_resolved=any(getattr(one, "was_resolved", False) for one in tries),
        was_refused_when_sent=_was_refused_when_sent(tries),
        was_paid_elsewhere=any(one.paid_outside_at is not None for one in tries),
        refused_sends=frozenset(one.verdict for one in tries[:-1] if one.verdict),
        unpaid_at=max((one.unpaid_at for one in tries if one.unpaid_at), default=None),
    )  # fmt: skip


def _was_refused_when_sent(tries: Sequence[Attempt]) -> bool:
    """Return whether an order was sent once, and its provider, not people, ended it."""
    if len(tries) != 1 or getattr(tries[0], "was_resolved", False):
        return False
    is_refused = tries[0].failure_class != "" and tries[0].outcome != FailureCode.NEVER_SENT
    return is_refused and tries[0].sends == 1 and tries[0].state in UNPAID_ATTEMPT_STATES


def proves(proven: Succeeded, order: PaymentOrder, paid_by: Rail) -> bool:
    """Return whether a payment is the ordered one: its proof fits, and so does its amount."""
    return proven.amount == order.money(order.amount) and paid_by.verify(order.reference, proven.proof)
