"""Cycles and their pots: complete, or short by what two counts agree on, and paid out only once ready."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Count, F, Q, QuerySet

from ledger.enums import AccountRole, Currency
from ledger.queries import balance_pages, balances, first_transaction_since, owners_posted_to
from payouts.calculations import contribution_subject, cycle_subject, pot_of
from payouts.enums import CycleState
from payouts.models import Contribution, Cycle
from payouts.queries.cycles import settled_counts
from sunusav.core.auditing import AuditScope, Breach, pages
from sunusav.core.money import msat_from_sats
from sunusav.core.subjects import key_of
from transfers.collection_queries import credited_for
from transfers.credit_queries import credit_used_for
from transfers.queries import drawn_msat

# Each cycle brings the subjects of all its contributions into one statement.
CYCLES_AT_A_TIME = 500
Rows = TypeVar("Rows", bound=QuerySet[Any, Any])


def one_contribution_per_member(scope: AuditScope) -> Iterator[Breach]:
    counted = Cycle.objects.annotate(
        owed=Count("contributions"),
        other=Count("contributions", filter=~Q(contributions__amount_sats=F("contribution_sats"))),
    )
    wrong = _since(counted, scope, "created_at").exclude(owed=F("members_count"), other=0)
    for page in _pages(wrong):
        for row in page:
            detail = (
                f"{row.owed} contributions for {row.members_count} members, {row.other} of another amount"
            )
            yield Breach("I05", cycle_subject(row.pk), detail)


def ready_is_settled(scope: AuditScope) -> Iterator[Breach]:
    for page in _pages(_since(Cycle.objects.filter(state=CycleState.READY), scope, "ready_at")):
        settled = settled_counts([row.pk for row in page])
        for row in page:
            if settled[row.pk] != row.settled_count:
                detail = f"ready with {settled[row.pk]} of {row.settled_count} contributions settled"
                yield Breach("I05", cycle_subject(row.pk), detail)


def cancelled_is_returned(scope: AuditScope) -> Iterator[Breach]:
    """Require that a cancelled cycle returned every contribution that was settled, and no other cycle any."""
    for page in _pages(_since(Cycle.objects.filter(state=CycleState.CANCELLED), scope, "cancelled_at")):
        returned = Counter(
            Contribution.objects.filter(cycle__in=page, return_transaction__isnull=False).values_list(
                "cycle_id", flat=True
            )
        )
        for row in page:
            if returned[row.pk] != row.settled_count:
                detail = (
                    f"cancelled with {row.settled_count} contributions settled, {returned[row.pk]} returned"
                )
                yield Breach("I05", cycle_subject(row.pk), detail)
    first = first_transaction_since(scope.since)
    elsewhere = Contribution.objects.filter(return_transaction_id__gte=first).exclude(
        cycle__state=CycleState.CANCELLED
    )
    for contributions in pages(elsewhere):
        for one in contributions:
            yield Breach("I05", cycle_subject(one.cycle_id), f"returned contribution {one.pk}, not cancelled")


def only_ready_cycles_are_paid_out(scope: AuditScope) -> Iterator[Breach]:
    for page in _pages(Cycle.objects.exclude(state=CycleState.READY)):
        drawn = drawn_msat([cycle_subject(row.pk) for row in page])
        for row in page:
            if cycle_subject(row.pk) in drawn:
                yield Breach("I05", cycle_subject(row.pk), f"paid out while {row.state}")


def pots_hold_what_is_left(scope: AuditScope) -> Iterator[Breach]:
    for page in _pages(_since(Cycle.objects.all(), scope, "ready_at")):
        yield from _wrong_pots(page)


def filled_pots_belong_to_cycles(scope: AuditScope) -> Iterator[Breach]:
    """Find pots of no cycle. A fast audit also checks each pot that is filled or moved, however old its cycle."""
    moved = _pots_moved(scope)
    for page in balance_pages(AccountRole.GROUP_POT, Currency.MSAT):
        filled = {key_of(owner) for owner, amount in page.items() if amount}
        cycles = Cycle.objects.in_bulk(filled | {key_of(owner) for owner in moved & page.keys()})
        for cycle_id in sorted(filled - cycles.keys()):
            yield Breach("I05", cycle_subject(cycle_id), "there is a pot, but no such cycle")
        if scope.since is not None:
            yield from _wrong_pots([row for row in cycles.values() if not _is_since(row.ready_at, scope)])


def _pots_moved(scope: AuditScope) -> set[str]:
    """Return the owners of the pots that were posted to within a fast audit's window: one may be empty by now."""
    if scope.since is None:
        return set()
    return set(owners_posted_to(AccountRole.GROUP_POT, Currency.MSAT, since=scope.since))


def _wrong_pots(cycles: Sequence[Cycle]) -> Iterator[Breach]:
    """Compare each pot with its contributions less what its payout holds or took."""
    pots = balances(pot_of(row.pk) for row in cycles)
    contributed = _contributed_msat(cycles)
    drawn = drawn_msat([cycle_subject(row.pk) for row in cycles])
    for row in cycles:
        subject = cycle_subject(row.pk)
        held, due = -pots[pot_of(row.pk)], contributed[row.pk] - drawn.get(subject, 0)
        if held != due:
            yield Breach("I05", subject, f"the pot holds {held} msat, its movements sum to {due}")
        if held < 0 or held > msat_from_sats(row.payout_total_sats):
            yield Breach("I11", subject, f"the pot holds {held} msat")


def _contributed_msat(cycles: Sequence[Cycle]) -> Counter[str]:
    """Return what was collected for each cycle and paid out of credit, less what was returned to its members."""
    rows = {
        contribution_subject(row.pk): row
        for row in Contribution.objects.filter(cycle__in=cycles).only(
            "cycle_id", "amount_sats", "return_transaction_id"
        )
    }
    contributed: Counter[str] = Counter()
    for subject, credited in credited_for(rows).items():
        contributed[rows[subject].cycle_id] += credited.amount
    for subject, used_msat in credit_used_for(rows).items():
        contributed[rows[subject].cycle_id] += used_msat
    for row in rows.values():
        if row.return_transaction_id is not None:
            contributed[row.cycle_id] -= msat_from_sats(row.amount_sats)
    return contributed


def _since(rows: Rows, scope: AuditScope, moment: str) -> Rows:
    """Keep the cycles whose `moment` is within the scope."""
    return rows if scope.since is None else rows.filter(**{f"{moment}__gte": scope.since})


def _is_since(moment: datetime | None, scope: AuditScope) -> bool:
    return scope.since is None or (moment is not None and moment >= scope.since)


def _pages(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    last = ""
    while page := list(rows.filter(pk__gt=last).order_by("pk")[:CYCLES_AT_A_TIME]):
        yield page
        last = page[-1].pk
