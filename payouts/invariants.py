"""What must always hold of cycles and their pots. Codes follow `reference/reliability.md` section 3."""

from collections.abc import Iterator
from typing import Any, TypeVar

from django.db.models import Count, F, Q, QuerySet

from ledger.enums import AccountRole, Currency
from ledger.queries import balances_by_owner
from payouts.calculations import contribution_subject, cycle_subject, id_in
from payouts.enums import CycleState
from payouts.models import Contribution, Cycle
from payouts.queries.cycles import settled_counts
from sunusav.core.auditing import AuditScope, Breach, Invariant
from sunusav.core.money import msat_from_sats
from transfers.queries import credited_msat, drawn_msat

CYCLES_AT_A_TIME = 500
Rows = TypeVar("Rows", bound=QuerySet[Any, Any])


def _members_are_those_of_the_beginning(scope: AuditScope) -> Iterator[Breach]:
    counted = Cycle.objects.annotate(
        owed=Count("contributions"),
        other=Count("contributions", filter=~Q(contributions__amount_sats=F("contribution_sats"))),
    )
    for row in _since(counted, scope, "created_at").exclude(owed=F("members_count"), other=0):
        told = f"{row.owed} contributions for {row.members_count} members, {row.other} of another amount"
        yield Breach("I05", cycle_subject(row.pk), told)


def _ready_is_settled(scope: AuditScope) -> Iterator[Breach]:
    for some in _batches(_since(Cycle.objects.filter(state=CycleState.READY), scope, "ready_at")):
        settled = settled_counts([row.pk for row in some])
        for row in some:
            if settled[row.pk] != row.members_count:
                told = f"ready with {settled[row.pk]} of {row.members_count} contributions settled"
                yield Breach("I05", cycle_subject(row.pk), told)


def _only_ready_cycles_are_drawn_on(scope: AuditScope) -> Iterator[Breach]:
    for some in _batches(Cycle.objects.filter(state=CycleState.COLLECTING)):
        drawn = drawn_msat([cycle_subject(row.pk) for row in some])
        yield from (Breach("I05", subject, "paid out while collecting") for subject in sorted(drawn))


def _pot_is_what_came_and_went(scope: AuditScope) -> Iterator[Breach]:
    """Compare each pot with what its contributions brought, less what its payout holds or took."""
    pots = balances_by_owner(AccountRole.GROUP_POT, Currency.MSAT)
    filled = [id_in(owner) for owner, amount in pots.items() if amount]
    for some in _batches(_since(Cycle.objects.all(), scope, "ready_at", also=filled)):
        brought = _brought_msat(some)
        drawn = drawn_msat([cycle_subject(row.pk) for row in some])
        for row in some:
            subject = cycle_subject(row.pk)
            held, due = -pots.get(subject, 0), brought.get(row.pk, 0) - drawn.get(subject, 0)
            if held != due:
                yield Breach("I05", subject, f"the pot holds {held} msat, its movements say {due}")
            if held < 0 or held > msat_from_sats(row.payout_total_sats):
                yield Breach("I11", subject, f"the pot holds {held} msat")
    known = set(Cycle.objects.filter(pk__in=filled).values_list("pk", flat=True))
    for cycle_id in sorted(set(filled) - known):
        yield Breach("I05", cycle_subject(cycle_id), "there is a pot, but no such cycle")


def _brought_msat(some: list[Cycle]) -> dict[str, int]:
    rows = Contribution.objects.filter(cycle__in=some).values_list("pk", "cycle_id")
    cycle_of = {contribution_subject(pk): cycle_id for pk, cycle_id in rows}
    brought: dict[str, int] = {}
    for subject, amount_msat in credited_msat(cycle_of).items():
        cycle_id = cycle_of[subject]
        brought[cycle_id] = brought.get(cycle_id, 0) + amount_msat
    return brought


def _since(rows: Rows, scope: AuditScope, moment: str, *, also: list[str] | None = None) -> Rows:
    """Keep, of a fast audit, the cycles that changed since its moment, and those named."""
    if scope.since is None:
        return rows
    return rows.filter(Q(**{f"{moment}__gte": scope.since}) | Q(pk__in=also or []))


def _batches(rows: QuerySet[Cycle]) -> Iterator[list[Cycle]]:
    """Page by key, so that neither memory nor a statement grows with the number of cycles."""
    last = ""
    while some := list(rows.filter(pk__gt=last).order_by("pk")[:CYCLES_AT_A_TIME]):
        yield some
        last = some[-1].pk


INVARIANTS = [
    Invariant(
        "I05", "a cycle has one contribution per member of its beginning", _members_are_those_of_the_beginning
    ),
    Invariant("I05", "a ready cycle has every contribution settled", _ready_is_settled),
    Invariant("I05", "only ready cycles are paid out", _only_ready_cycles_are_drawn_on),
    Invariant("I05", "a pot holds what came less what went; a paid one is empty", _pot_is_what_came_and_went),
]
