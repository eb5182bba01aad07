"""Reads that more than one module needs; other apps get frozen rows."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import attrgetter, or_
from typing import Any

from django.conf import settings
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef, Conversion
from sunusav.core.models import TrailEntry
from sunusav.core.money import MSAT_PER_SAT
from transfers.enums import (
    LIVE_ATTEMPT_STATES,
    OPEN_ATTEMPT_STATES,
    UNFINISHED_STATES,
    WAITING_STATES,
    AttemptState,
    BreakerState,
    DisbursementState,
    FailureCode,
    ReviewWait,
)
from transfers.errors import DisbursementMissing, WithdrawalLinkMissing
from transfers.models import (
    Attempt,
    Disbursement,
    DisbursementDestination,
    Partner,
    PaymentLimit,
    ProviderSwitch,
    RailBreaker,
    RailMatch,
    WithdrawalLink,
)
from transfers.rails import rail
from transfers.types import (
    DisbursementFacts,
    Failure,
    UnderReview,
    WithdrawalFacts,
)

# The review queue is short; a longer one is an alarm by itself.
REVIEWS_READ = 500
MATCHED_WITHIN = timedelta(days=1)
OVERDUE_BY, STUCK_AFTER = timedelta(minutes=2), timedelta(hours=1)


def disbursement(disbursement_id: int) -> DisbursementFacts:
    """Return one disbursement. Raises: DisbursementMissing."""
    row = Disbursement.objects.filter(pk=disbursement_id).first()
    if row is None:
        raise DisbursementMissing(disbursement_id=disbursement_id)
    return disbursement_facts(row)


def disbursement_for(subject: str) -> DisbursementFacts | None:
    """Return the live disbursement of a subject, or else its newest."""
    rows = Disbursement.objects.filter(subject=subject)
    row = rows.filter(live_subject=subject).first() or rows.order_by("-id").first()
    return disbursement_facts(row) if row else None


def disbursements_for(subjects: Iterable[str]) -> Mapping[str, DisbursementFacts]:
    """Return, per subject, the newest disbursement, in two queries."""
    rows = Disbursement.objects.filter(subject__in=list(subjects)).order_by("id")
    rows = rows.prefetch_related("destinations")
    newest = {row.subject: row for row in rows}
    attempts = _decisive_attempts([row.pk for row in newest.values()])
    return {subject: _facts(row, attempts.get(row.pk)) for subject, row in newest.items()}


def disbursements_page(
    *, prefix: str, subjects: Sequence[str] | None, state: str, before_id: int | None, limit: int
) -> list[DisbursementFacts]:
    """Return disbursements of one kind of subject, the newest first, in two queries.

    Only of these subjects, in this state and older than this id, where given.
    """
    rows = Disbursement.objects.filter(subject__startswith=prefix)
    if subjects is not None:
        rows = rows.filter(subject__in=subjects)
    if state:
        rows = rows.filter(state=state)
    if before_id is not None:
        rows = rows.filter(pk__lt=before_id)
    found = list(rows.order_by("-pk").prefetch_related("destinations")[:limit])
    attempts = _decisive_attempts([row.pk for row in found])
    return [_facts(row, attempts.get(row.pk)) for row in found]


def subjects_in(states: Iterable[DisbursementState], *, prefix: str) -> list[str]:
    """Return the subjects of one kind whose disbursement is in one of these states, found by the index of states."""
    rows = Disbursement.objects.filter(state__in=list(states), subject__startswith=prefix)
    return list(rows.values_list("subject", flat=True))


def state_of(disbursement_id: int) -> str:
    """Return only the state, for views that poll it."""
    return str(Disbursement.objects.values_list("state", flat=True).get(pk=disbursement_id))


def attempts_of(disbursement_id: int) -> QuerySet[Attempt]:
    """Return the attempts of a disbursement with their orders, oldest first."""
    return Attempt.objects.filter(disbursement_id=disbursement_id).select_related("order").order_by("number")


def disbursement_facts(row: Disbursement) -> DisbursementFacts:
    """Return a disbursement as a frozen row, with the reference and proof of its live or last attempt."""
    return _facts(row, _decisive_attempts([row.pk]).get(row.pk))


def _decisive_attempts(ids: list[int]) -> dict[int, Attempt]:
    """Return the live attempt of each disbursement, else its last one."""
    attempts = Attempt.objects.filter(disbursement_id__in=ids).select_related("order").order_by("number")
    decisive: dict[int, Attempt] = {}
    for attempt in attempts:
        known = decisive.get(attempt.disbursement_id)
        if known is None or known.state not in LIVE_ATTEMPT_STATES:
            decisive[attempt.disbursement_id] = attempt
    return decisive


def _facts(row: Disbursement, attempt: Attempt | None) -> DisbursementFacts:
    destinations = destinations_of(row)
    in_use = destination_in_use(destinations)
    order = attempt.order if attempt else None
    paid = attempt if attempt and attempt.state == AttemptState.SUCCEEDED else None
    return DisbursementFacts(
        id=row.pk, subject=row.subject, state=row.state, payout_msat=row.payout_msat, net_msat=row.net_msat,
        fee_msat=row.fee_msat, pay_xof=row.pay_xof, paid=order.money(order.amount) if order else None,
        assessment_id=row.assessment_id,
        destinations=tuple(one.destination for one in destinations),
        scheduled_at=row.scheduled_at, due_at=row.due_at, requested_at=row.requested_at,
        completed_at=row.completed_at,
        failure=Failure(row.failure_code, row.failure_facts, _waits_for(row, attempt)),
        attempts_made=attempt.number if attempt else 0,
        rail=order.rail if order else in_use.rail,
        reference=order.reference if order else "",
        proof=paid.proof if paid else "",
        cost=paid.order.stated_cost(paid.cost) if paid else None,
    )  # fmt: skip


def _waits_for(row: Disbursement, attempt: Attempt | None) -> str:
    if row.state != DisbursementState.NEEDS_REVIEW:
        return ""
    is_open = attempt is not None and attempt.state in OPEN_ATTEMPT_STATES
    return ReviewWait.OUTCOME if is_open else ReviewWait.PERSON


def subject_of(disbursement_id: int) -> str:
    """Return the subject of a disbursement in the trail."""
    return f"disbursement:{disbursement_id}"


def destinations_of(row: Disbursement) -> list[DisbursementDestination]:
    """Return where a disbursement may be paid, the first choice first."""
    return sorted(row.destinations.all(), key=attrgetter("position"))


def destination_in_use(destinations: Sequence[DisbursementDestination]) -> DisbursementDestination:
    """Return the first destination that was not finally refused; when all were, the last one."""
    return next((one for one in destinations if one.refused_at is None), destinations[-1])


def with_rail(rows: QuerySet[Disbursement]) -> Any:
    """Annotate `rail_in_use`: that of the first destination that was not finally refused."""
    open_ones = DisbursementDestination.objects.filter(disbursement=OuterRef("pk"), refused_at=None)
    return rows.annotate(rail_in_use=Subquery(open_ones.order_by("position").values("rail")[:1]))


def debit_account(row: Disbursement) -> AccountRef:
    """Return the account a disbursement is paid out of."""
    return AccountRef(AccountRole(row.debit_role), Currency.MSAT, row.debit_owner)


def residue_account(row: Disbursement) -> AccountRef:
    """Return the account that gets what whole francs leave over."""
    return AccountRef(AccountRole(row.residue_role), Currency.MSAT, row.residue_owner)


def has_open_attempt(disbursement_id: int) -> bool:
    """Return whether an attempt may still be paid by the provider."""
    return Attempt.objects.filter(disbursement_id=disbursement_id, state__in=OPEN_ATTEMPT_STATES).exists()


def is_order_open(*, rail: str, reference: str) -> bool:
    """Return whether the order of this reference may still be paid by its rail, if there is one."""
    open_ones = Attempt.objects.filter(state__in=OPEN_ATTEMPT_STATES)
    return open_ones.filter(order__rail=rail, order__reference=reference).exists()


def limits_in_force() -> dict[str, PaymentLimit]:
    """Return the newest version of each limit, by kind."""
    return {row.kind: row for row in PaymentLimit.objects.order_by("version")}


def stopped_rails() -> list[RailBreaker]:
    """Return the breakers of rails that are stopped after failures in a row."""
    return list(RailBreaker.objects.exclude(state=BreakerState.CLOSED).order_by("rail"))


def switched_off() -> list[ProviderSwitch]:
    """Return the switches of the providers that are off."""
    return list(ProviderSwitch.objects.filter(is_on=False).order_by("provider"))


def is_switched_off(provider: str) -> bool:
    """Return whether a provider is switched off."""
    return ProviderSwitch.objects.filter(pk=provider, is_on=False).exists()


def deferred_by(codes: Iterable[str]) -> dict[str, int]:
    """Count the payments that wait for each of these reasons."""
    counted = deferred(codes).values_list("failure_code").annotate(count=Count("pk")).order_by("failure_code")
    return dict(counted)


def deferred(codes: Iterable[str]) -> QuerySet[Disbursement]:
    """Return the payments that wait for one of these reasons, found by the index of reasons."""
    return Disbursement.objects.filter(state=DisbursementState.PROCESSING, failure_code__in=list(codes))


def overdue(now: datetime) -> QuerySet[Disbursement]:
    """Return what has been due, and not claimed, for two minutes."""
    return Disbursement.objects.filter(due_at__lt=now - OVERDUE_BY)


def waiting_sats(bounds: Sequence[datetime | None]) -> dict[str, list[int]]:
    """Return what is neither paid nor cancelled, in whole sats, by state and by when it was requested.

    Each bound begins an age, the newest first; None is the beginning of time. Scheduled payments do not wait yet.
    """
    ends = [None, *bounds]
    ages = {
        f"age_{place}": Sum(Coalesce("net_msat", "payout_msat"), filter=_requested(since, until), default=0)
        for place, (since, until) in enumerate(zip(bounds, ends, strict=False))
    }
    waiting = Disbursement.objects.filter(state__in=WAITING_STATES).order_by()
    rows: Iterable[Mapping[str, Any]] = waiting.values("state").annotate(**ages)
    found = {row["state"]: [int(row[age]) // MSAT_PER_SAT for age in ages] for row in rows}
    return {state.value: found[state] for state in WAITING_STATES if state in found}


def _requested(since: datetime | None, until: datetime | None) -> Q:
    after = Q(requested_at__gte=since) if since else Q()
    return after & Q(requested_at__lt=until) if until else after


def waiting_for_review() -> int:
    """Count the disbursements under review."""
    return Disbursement.objects.filter(state=DisbursementState.NEEDS_REVIEW).count()


def review_queue() -> list[UnderReview]:
    """Return the disbursements under review, the oldest first, each with why and since when, in two queries."""
    rows = Disbursement.objects.filter(state=DisbursementState.NEEDS_REVIEW).order_by("pk")[:REVIEWS_READ]
    waiting = {f"disbursement:{row.pk}": row for row in rows}
    entered = TrailEntry.objects.filter(subject__in=waiting, action="review").order_by("pk")
    since = dict(entered.values_list("subject", "at"))
    queue = [
        UnderReview(row.pk, row.failure_code, since.get(subject, row.requested_at))
        for subject, row in waiting.items()
    ]
    return sorted(queue, key=lambda one: one.since)


def under_review_since(disbursement_id: int) -> datetime | None:
    """Return when a disbursement last came under review."""
    entered = TrailEntry.objects.filter(subject=f"disbursement:{disbursement_id}", action="review")
    return entered.order_by("-pk").values_list("at", flat=True).first()


def broke_workers() -> int:
    """Count unfinished disbursements whose last worker failed because of a bug of ours."""
    return broke_their_worker().count()


def broke_their_worker() -> QuerySet[Disbursement]:
    """Return unfinished disbursements whose last worker failed because of a bug of ours."""
    return Disbursement.objects.filter(state__in=UNFINISHED_STATES, failure_code=FailureCode.WORKER_BROKE)


def stuck(now: datetime) -> QuerySet[Attempt]:
    """Return the attempts that have had no outcome for an hour, found by the index of their end; there are few."""
    return Attempt.objects.filter(closed_at=None, opened_at__lt=now - STUCK_AFTER)


def stuck_unreviewed(now: datetime) -> QuerySet[Attempt]:
    """Return those of them whose payment is not under review."""
    return stuck(now).exclude(disbursement__state=DisbursementState.NEEDS_REVIEW)


def drawn_msat(subjects: Iterable[str]) -> dict[str, int]:
    """Return what each subject's disbursement holds or took from the account it debits, for the audit."""
    rows = Disbursement.objects.filter(live_subject__in=list(subjects))
    return dict(rows.filter(hold_transaction__isnull=False).values_list("subject", "payout_msat"))


def payments_of(subjects: Iterable[str]) -> dict[str, list[tuple[int, AccountRef, bool]]]:
    """Return, per subject, its disbursements for the audit: the msat, the account debited, whether it has a fee."""
    found: dict[str, list[tuple[int, AccountRef, bool]]] = {}
    for row in Disbursement.objects.filter(subject__in=list(subjects)).order_by("pk"):
        found.setdefault(row.subject, []).append((row.payout_msat, debit_account(row), bool(row.fee_msat)))
    return found


def conversion_of(disbursement_id: int) -> Conversion | None:
    """Return the conversion that fixed the francs of a disbursement; None where it pays no francs, or both sides."""
    row = Disbursement.objects.select_related("conversion__rate").get(pk=disbursement_id)
    return row.conversion.value if row.conversion else None


def newest_withdrawal(subject: str) -> WithdrawalFacts:
    """Return the newest withdrawal link of a subject. Raises: WithdrawalLinkMissing."""
    row = WithdrawalLink.objects.filter(subject=subject).order_by("-id").first()
    if row is None:
        raise WithdrawalLinkMissing(subject=subject)
    return withdrawal_facts(row)


def withdrawals_to_take(prefix: str, *, now: datetime, subject: str = "") -> list[WithdrawalFacts]:
    """Return redeemed links, of one kind of subject or of one subject, whose disbursement is to be requested now."""
    rows = WithdrawalLink.objects.filter(take_at__lte=now, subject__startswith=prefix)
    if subject:
        rows = rows.filter(subject=subject)
    return [withdrawal_facts(row) for row in rows.order_by("take_at")]


def withdrawal_facts(row: WithdrawalLink) -> WithdrawalFacts:
    """Return a withdrawal link as a frozen row."""
    return WithdrawalFacts(
        id=row.pk, subject=row.subject, state=row.state, amount_msat=row.amount_msat, opened_at=row.opened_at,
        expires_at=row.expires_at, redeemed_at=row.redeemed_at,
        destination=row.destination, disbursement_id=row.disbursement_id,
        failure=Failure(row.failure_code, row.failure_facts),
    )  # fmt: skip


def default_partner(country: str) -> Partner | None:
    """Return the first enabled partner that serves a country."""
    partners = Partner.objects.filter(is_enabled=True).order_by("position")
    return next((partner for partner in partners if country in partner.countries), None)


def countries_served() -> list[str]:
    """Return the countries that some partner serves."""
    return sorted({country for partner in Partner.objects.all() for country in partner.countries})


def partner(code: str) -> Partner | None:
    """Return a partner by its code."""
    return Partner.objects.filter(code=code).first()


def newest_match(rail: str) -> RailMatch | None:
    """Return the last complete run that matched a rail's statement with our attempts."""
    return RailMatch.objects.filter(rail=rail).order_by("-pk").first()


def newest_matches(rails: Iterable[str]) -> dict[str, RailMatch | None]:
    """Return the last complete match of each of these rails."""
    return {name: newest_match(name) for name in rails}


def first_attempt_at() -> datetime | None:
    """Return when the first attempt was opened, if there is one."""
    return Attempt.objects.order_by("pk").values_list("opened_at", flat=True).first()


def is_match_late(match: RailMatch | None, *, now: datetime) -> bool:
    """Return whether a rail was not matched for a day; one without a match is late a day after the first attempt."""
    last = match.ended_at if match else first_attempt_at()
    return last is not None and last < now - MATCHED_WITHIN


def sends_that_may_leave(now: datetime, *, rails: Iterable[str] | None = None) -> int:
    """Count the sends that passed their last look at the switches, and whose answer is not known yet.

    Of these rails alone, where they are named.
    """
    names = [name for name in (settings.RAILS if rails is None else rails) if name in settings.RAILS]
    if not names:
        return 0
    prepared = Attempt.objects.filter(closed_at=None, state=AttemptState.PREPARED)
    leaves = (Q(order__rail=name, send_not_after__gt=now - rail(name).late_by) for name in names)
    return prepared.filter(reduce(or_, leaves)).count()
