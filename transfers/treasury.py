"""What rails can send and hold as of the last looks, what waits for them, and which accounts there are. Reads only."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from ledger.types import AccountRef, Money
from transfers.collectors import collector
from transfers.enums import RAIL_DEFERRALS, DisbursementState, FailureClass
from transfers.models import Attempt, BookedMovement, Disbursement, RailLiquidity
from transfers.queries import first_attempt_at, with_rail
from transfers.rails import Rail, rail
from transfers.treasury_booking import ONCHAIN
from transfers.types import WaitingForRail
from transfers.types.accounts import BANK

LOOKED_AT_WITHIN = timedelta(minutes=2)
# Money that has just arrived is booked within seconds: a difference that lasts longer has another cause.
DIFFERS_FOR = timedelta(minutes=15)


def waiting_for_rails() -> dict[str, WaitingForRail]:
    """Return, per rail, the payments that wait until it can send them, if there are any.

    They were deferred for a rail that is off, short, unavailable or stopped, or refused for insufficient balance or
    for our credentials.
    """
    newest = Attempt.objects.filter(disbursement=OuterRef("pk")).order_by("-number")
    rows = Disbursement.objects.filter(state=DisbursementState.PROCESSING).annotate(
        newest_failure=Subquery(newest.values("failure_class")[:1])
    )
    waiting = rows.filter(
        Q(failure_code__in=RAIL_DEFERRALS) | Q(newest_failure__in=[FailureClass.HOLD, FailureClass.STOP])
    )
    sums = with_rail(waiting).values("rail_in_use").annotate(
        count=Count("pk"), total_msat=Sum("net_msat"), largest_msat=Max("net_msat"),
        total_xof=Coalesce(Sum("pay_xof"), 0), largest_xof=Coalesce(Max("pay_xof"), 0),
    )  # fmt: skip
    return {row["rail_in_use"]: _waiting(row) for row in sums.order_by("rail_in_use") if row["rail_in_use"]}


def _waiting(sums: dict[str, Any]) -> WaitingForRail:
    """Return the sums of a rail in its own currency."""
    currency = rail(sums["rail_in_use"]).account.currency
    unit = currency.lower()
    return WaitingForRail(
        sums["count"], Money(sums[f"total_{unit}"], currency), Money(sums[f"largest_{unit}"], currency)
    )


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
    if row.total is None or row.largest is None:
        return False
    return paid_by.needed(waiting.largest).amount > row.largest or waiting.total.amount > row.total


def short_for_waiting(looks: Mapping[str, RailLiquidity | None]) -> list[str]:
    """Return the rails for which more waits than they could send at the last look."""
    waiting = waiting_for_rails()
    return [
        name
        for name, row in looks.items()
        if row and name in waiting and exceeds_sendable(waiting[name], row, rail(name))
    ]


def is_different(row: RailLiquidity, *, now: datetime) -> bool:
    """Return whether books and provider have differed for a quarter of an hour, by more than what is under way."""
    return row.differs_since is not None and row.differs_since <= now - DIFFERS_FOR


def treasury_accounts() -> dict[str, AccountRef]:
    """Return, by code, the accounts whose balance a provider or bank has too: rails, collectors, on-chain, the bank."""
    plugins = [
        *(rail(name).account for name in settings.RAILS),
        *(collector(name).account for name in settings.COLLECTORS),
    ]
    return {ref.code: ref for ref in (*plugins, ONCHAIN, BANK)}


def last_look_at(account: AccountRef) -> RailLiquidity | None:
    """Return the last comparison with the provider that holds the money of an account, if there is one."""
    names = [name for name in settings.RAILS if rail(name).account == account]
    return RailLiquidity.objects.filter(pk__in=names, balance_at__isnull=False).order_by("pk").first()


def is_opened(account: AccountRef) -> bool:
    """Return whether an account has its opening balance."""
    return BookedMovement.objects.filter(opened_account=account.code).exists()
