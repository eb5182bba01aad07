"""Limits of outgoing money: usage is what was admitted, and nothing passed a limit without a waiver."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from itertools import chain
from typing import Any

from django.db.models import Max, Min, Q, QuerySet

from sunusav.core.auditing import AuditScope, Breach, pages
from sunusav.core.calendar import DAKAR
from sunusav.core.models import Proposal, ProposalState
from sunusav.core.money import msat_from_sats
from transfers.calculations import day_key, day_of, minute_key
from transfers.enums import LimitKind
from transfers.models import Disbursement, LimitUsage, PastAdmission, PaymentLimit
from transfers.queries import subject_of
from transfers.services.limit_waivers import LIMIT_WAIVER

ADMITTED = Disbursement.objects.filter(admitted_at__isnull=False)
COUNTED = (LimitKind.PER_PAYEE_DAY, LimitKind.TOTAL_HOUR)
PAST = PastAdmission.objects.all()
Key = tuple[str, str]
# A disbursement, the version of the limit it was admitted by (None: by a waiver), its net in msat.
Admitted = tuple[int, int | None, int]


def usage_is_what_was_admitted(scope: AuditScope) -> Iterator[Breach]:
    for day in _days(scope):
        counted, admitted = _counted(day), _admitted(day)
        for kind, key in sorted(counted.keys() | admitted.keys()):
            in_usage, in_fact = counted[kind, key], admitted[kind, key]
            if in_usage != in_fact:
                detail = f"counted {in_usage} msat, admitted {in_fact}"
                yield Breach("I22", f"limit_usage:{kind}:{key}", detail)


def _days(scope: AuditScope) -> Iterator[date]:
    """Yield each day in Dakar from the first to the last on which something was counted or admitted."""
    days = []
    for rows in (ADMITTED, PAST):
        known = rows.aggregate(first=Min("admitted_at"), last=Max("admitted_at"))
        days += [day_of(moment) for moment in known.values() if moment is not None]
    for kind in COUNTED:
        keys = LimitUsage.objects.filter(kind=kind).aggregate(first=Min("key"), last=Max("key"))
        days += [date.fromisoformat(key[:10]) for key in keys.values() if key is not None]
    if not days:
        return
    first = min(days) if scope.since is None else max(min(days), day_of(scope.since))
    yield from sorted(day for day in _days_of_earlier_admissions(scope) if day < first)
    yield from (first + timedelta(days=n) for n in range((max(days) - first).days + 1))


def _days_of_earlier_admissions(scope: AuditScope) -> set[date]:
    """Return the days of the earlier admissions that changed in a fast audit's window."""
    if scope.since is None:
        return set()
    again = PAST.filter(Q(disbursement__admitted_at__gte=scope.since) | Q(retried_at__gte=scope.since))
    return {day_of(moment) for moment in again.values_list("admitted_at", flat=True)}


def _counted(day: date) -> Counter[Key]:
    """Return the stored usage of a day. One day at a time bounds what an audit holds in memory."""
    next_day = day + timedelta(days=1)
    rows = LimitUsage.objects.filter(kind__in=COUNTED, key__gte=day.isoformat(), key__lt=next_day.isoformat())
    return Counter({(kind, key): used for kind, key, used in rows.values_list("kind", "key", "used_msat")})


def _admitted(day: date) -> Counter[Key]:
    """Recount a day: each admission for its minute; each payment once for its payee, and once more after each retry."""
    counted: Counter[Key] = Counter()
    counted_for_payee: set[tuple[int, int]] = set()
    retries: Counter[int] = Counter()
    for disbursement_id, at, payee_ref, amount_msat, is_retried in sorted(_admissions(day)):
        counted[LimitKind.TOTAL_HOUR.value, minute_key(at)] += amount_msat
        once = (disbursement_id, retries[disbursement_id])
        if once not in counted_for_payee:
            counted[LimitKind.PER_PAYEE_DAY.value, day_key(at, payee_ref)] += amount_msat
        counted_for_payee.add(once)
        retries[disbursement_id] += is_retried
    return counted


def _admissions(day: date) -> Iterator[tuple[int, datetime, str, int, bool]]:
    """Yield a day's admissions: disbursement, moment, payee, net in msat, and whether a person retried it then."""
    midnight = datetime.combine(day, time(), tzinfo=DAKAR)
    that_day = Q(admitted_at__gte=midnight, admitted_at__lt=midnight + timedelta(days=1))
    last = ADMITTED.only("admitted_at", "payee_ref", "net_msat")
    for row in chain.from_iterable(pages(last, _keys(last.filter(that_day)))):
        assert row.admitted_at is not None, "filtered"  # noqa: S101  (for the type checker)
        yield row.pk, row.admitted_at, row.payee_ref, row.net_msat or 0, False
    before = PAST.select_related("disbursement")
    for past in chain.from_iterable(pages(before, _keys(before.filter(that_day)))):
        row = past.disbursement
        yield row.pk, past.admitted_at, row.payee_ref, row.net_msat or 0, past.retried_at is not None


def _keys(rows: QuerySet[Any]) -> list[int]:
    """Return the keys of one day's rows, by the index on the moment; a page by key would scan the whole table."""
    return list(rows.values_list("pk", flat=True))


def admitted_within_limit(scope: AuditScope) -> Iterator[Breach]:
    versions = PaymentLimit.objects.filter(kind=LimitKind.PER_PAYOUT)
    amounts = versions.values_list("version", "amount_sats")
    most_msat: dict[int, int] = {version: msat_from_sats(amount_sats) for version, amount_sats in amounts}
    admitted_last, admitted_before = ADMITTED, PAST
    if scope.since is not None:
        admitted_last = ADMITTED.filter(admitted_at__gte=scope.since)
        # An earlier admission is stored when its payment is admitted again, or retried by a person.
        admitted_before = PAST.filter(
            Q(disbursement__admitted_at__gte=scope.since) | Q(retried_at__gte=scope.since)
        )
    for last in pages(admitted_last):
        admitted = [(row.pk, row.admitted_by_version, row.net_msat or 0) for row in last]
        yield from _above_limit(admitted, most_msat)
    for past in pages(admitted_before.select_related("disbursement")):
        admitted = [(row.disbursement_id, row.by_version, row.disbursement.net_msat or 0) for row in past]
        yield from _above_limit(admitted, most_msat)


def _above_limit(admitted: list[Admitted], most_msat: dict[int, int]) -> Iterator[Breach]:
    waived = _waived(pk for pk, version, _ in admitted if version is None)
    for pk, version, net_msat in admitted:
        if version is None and str(pk) not in waived:
            yield Breach("I22", subject_of(pk), "admitted past the limits without a waiver")
        elif version is not None and net_msat > most_msat.get(version, -1):
            detail = f"{net_msat} msat admitted by version {version} of the limit per payout"
            yield Breach("I22", subject_of(pk), detail)


def _waived(disbursement_ids: Iterable[int]) -> set[str]:
    approved = Proposal.objects.filter(kind=LIMIT_WAIVER, state=ProposalState.APPROVED)
    of_these = approved.filter(subject_id__in=[str(pk) for pk in disbursement_ids])
    return set(of_these.values_list("subject_id", flat=True))
