"""What rails can send, as the last looks found it, and what waits for them. Reads only."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Count, Max, OuterRef, Q, Subquery, Sum

from sunusav.core.money import msat_from_sats
from transfers.enums import RAIL_DEFERRALS, DisbursementState, FailureClass
from transfers.models import Attempt, Disbursement, RailLiquidity
from transfers.queries import first_attempt_at
from transfers.rails import Rail
from transfers.types import WaitingForRail

LOOKED_AT_WITHIN = timedelta(minutes=2)


def waiting_for_rails() -> dict[str, WaitingForRail]:
    """Return, per rail, the payments that wait until it can send them, if there are any.

    They were deferred for a rail that is short, unavailable or stopped, or refused for insufficient balance.
    """
    newest = Attempt.objects.filter(disbursement=OuterRef("pk")).order_by("-number")
    rows = Disbursement.objects.filter(state=DisbursementState.PROCESSING).annotate(
        newest_failure=Subquery(newest.values("failure_class")[:1])
    )
    waiting = rows.filter(Q(failure_code__in=RAIL_DEFERRALS) | Q(newest_failure=FailureClass.HOLD))
    sums = waiting.values_list("rail").annotate(Count("pk"), Sum("net_sats"), Max("net_sats"))
    return {name: WaitingForRail(*figures) for name, *figures in sums.order_by("rail")}


def liquidity_of(rails: Iterable[str]) -> dict[str, RailLiquidity | None]:
    """Return the row of the last look at each of these rails; None before the first."""
    names = list(rails)
    rows = RailLiquidity.objects.filter(pk__in=names, seen_at__isnull=False)
    return dict.fromkeys(names) | {row.rail: row for row in rows}


def is_look_stale(row: RailLiquidity | None, *, now: datetime) -> bool:
    """Return whether a rail was not looked at for two minutes; one without a look, since the first attempt."""
    last = row.seen_at if row else first_attempt_at()
    return last is not None and last < now - LOOKED_AT_WITHIN


def exceeds_sendable(waiting: WaitingForRail, row: RailLiquidity, paid_by: Rail) -> bool:
    """Return whether the payments that wait cannot all be sent, in all or the largest alone."""
    if row.total_msat is None or row.largest_msat is None:
        return False
    largest_msat = msat_from_sats(waiting.largest_sats)
    needed_msat = paid_by.needed_msat(largest_msat)
    return needed_msat > row.largest_msat or msat_from_sats(waiting.total_sats) > row.total_msat
