"""What must always hold of limits: the counting is what was let out, and nobody passed without leave."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from django.db.models import Max, Min, Q

from sunusav.core.auditing import AuditScope, Breach, Invariant, pages
from sunusav.core.calendar import DAKAR
from sunusav.core.models import Proposal, ProposalState
from sunusav.core.money import msat_from_sats
from transfers.calculations import day_key, day_of, minute_key
from transfers.enums import LimitKind
from transfers.models import Disbursement, LimitUsage, PastAdmission, PaymentLimit
from transfers.services.limit_waivers import LIMIT_WAIVER

ADMITTED = Disbursement.objects.filter(admitted_at__isnull=False)
COUNTED = (LimitKind.PER_PAYEE_DAY, LimitKind.TOTAL_HOUR)
BEFORE = PastAdmission.objects.all()
Key = tuple[str, str]
LetOut = tuple[int, int | None, int]  # a payment's id, the version it was let out by, its net in sats


def _usage_is_what_was_admitted(scope: AuditScope) -> Iterator[Breach]:
    for day in _days(scope):
        counted, admitted = _counted(day), _admitted(day)
        for kind, key in sorted(counted.keys() | admitted.keys()):
            in_rows, in_fact = counted[kind, key], admitted[kind, key]
            if in_rows != in_fact:
                yield Breach(
                    "I22", f"limit_usage:{kind}:{key}", f"counted {in_rows} msat, admitted {in_fact}"
                )


def _days(scope: AuditScope) -> Iterator[date]:
    """Yield each day in Dakar on which something was counted or let out, or might have been."""
    days = []
    for rows in (ADMITTED, BEFORE):
        known = rows.aggregate(first=Min("admitted_at"), last=Max("admitted_at"))
        days += [day_of(moment) for moment in known.values() if moment is not None]
    for kind in COUNTED:
        keys = LimitUsage.objects.filter(kind=kind).aggregate(first=Min("key"), last=Max("key"))
        days += [date.fromisoformat(key[:10]) for key in keys.values() if key is not None]
    if not days:
        return
    first = min(days) if scope.since is None else max(min(days), day_of(scope.since))
    yield from (first + timedelta(days=n) for n in range((max(days) - first).days + 1))


def _counted(day: date) -> Counter[Key]:
    next_day = day + timedelta(days=1)
    rows = LimitUsage.objects.filter(kind__in=COUNTED, key__gte=day.isoformat(), key__lt=next_day.isoformat())
    return Counter({(kind, key): used for kind, key, used in rows.values_list("kind", "key", "used_msat")})


def _admitted(day: date) -> Counter[Key]:
    """Recount a day: each admission for its minute, each payment once for its payee."""
    counted: Counter[Key] = Counter()
    paid_to: set[int] = set()
    for disbursement_id, at, payee_ref, net_sats in _admissions(day):
        amount_msat = msat_from_sats(net_sats)
        counted[LimitKind.TOTAL_HOUR.value, minute_key(at)] += amount_msat
        if disbursement_id not in paid_to:
            counted[LimitKind.PER_PAYEE_DAY.value, day_key(at, payee_ref)] += amount_msat
        paid_to.add(disbursement_id)
    return counted


def _admissions(day: date) -> Iterator[tuple[int, datetime, str, int]]:
    midnight = datetime.combine(day, time(), tzinfo=DAKAR)
    that_day = Q(admitted_at__gte=midnight, admitted_at__lt=midnight + timedelta(days=1))
    for row in ADMITTED.filter(that_day).only("admitted_at", "payee_ref", "net_sats"):
        if row.admitted_at is not None:  # it is: for the types' sake
            yield row.pk, row.admitted_at, row.payee_ref, row.net_sats or 0
    for past in BEFORE.filter(that_day).select_related("disbursement"):
        payment = past.disbursement
        yield payment.pk, past.admitted_at, payment.payee_ref, payment.net_sats or 0


def _admitted_with_leave(scope: AuditScope) -> Iterator[Breach]:
    versions = PaymentLimit.objects.filter(kind=LimitKind.PER_PAYOUT)
    most_sats = dict(versions.values_list("version", "amount_sats"))
    since = Q() if scope.since is None else Q(admitted_at__gte=scope.since)
    for last in pages(ADMITTED.filter(since)):
        yield from _without_leave(
            [(row.pk, row.admitted_by_version, row.net_sats or 0) for row in last], most_sats
        )
    for past in pages(BEFORE.filter(since).select_related("disbursement")):
        let_out = [(row.disbursement_id, row.by_version, row.disbursement.net_sats or 0) for row in past]
        yield from _without_leave(let_out, most_sats)


def _without_leave(let_out: list[LetOut], most_sats: dict[int, int]) -> Iterator[Breach]:
    excepted = _waived([pk for pk, version, _ in let_out if version is None])
    for pk, version, net_sats in let_out:
        if version is None and str(pk) not in excepted:
            yield Breach("I22", f"disbursement:{pk}", "let past the limits without an exception")
        elif version is not None and net_sats > most_sats.get(version, -1):
            told = f"{net_sats} sats let out by version {version} of the limit per payout"
            yield Breach("I22", f"disbursement:{pk}", told)


def _waived(disbursement_ids: list[int]) -> set[str]:
    approved = Proposal.objects.filter(kind=LIMIT_WAIVER, state=ProposalState.APPROVED)
    of_these = approved.filter(subject_id__in=[str(pk) for pk in disbursement_ids])
    return set(of_these.values_list("subject_id", flat=True))


LIMIT_INVARIANTS = [
    Invariant("I22", "what counts against limits is what was let out", _usage_is_what_was_admitted),
    Invariant("I22", "nothing passed the limit per payout without an exception", _admitted_with_leave),
]
