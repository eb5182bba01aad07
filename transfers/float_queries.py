"""Reads of what providers hold for us; the web process calls no provider for it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from ledger.enums import Currency
from ledger.queries import balances, outflow
from ledger.types import AccountRef, Money
from sunusav.core.calendar import DAKAR
from transfers import treasury
from transfers.enums import TransactionKind
from transfers.models import RailLiquidity
from transfers.queries import stopped_rails
from transfers.rails import rail
from transfers.types import ProviderBalance, RailFloat, WaitingForRail

OUTFLOW_DAYS: Final = 7


def balance_at_provider(rail_name: str) -> ProviderBalance | None:
    """Return what a provider last reported to hold for us; None before the first report."""
    return _balance_of(RailLiquidity.objects.filter(pk=rail_name).first())


def floats_of(rail_names: Iterable[str], *, now: datetime) -> dict[str, RailFloat]:
    """Return the money that each of these rails pays from."""
    accounts = {name: rail(name).account for name in rail_names}
    looks, booked = treasury.liquidity_of(accounts), balances(accounts.values())
    waiting, stopped = treasury.waiting_for_rails(), {row.rail for row in stopped_rails()}
    today = _start_of_day(now)
    return {
        name: _float(
            name, account, looks[name], booked=booked[account], waiting=waiting.get(name),
            is_stopped=name in stopped, is_stale=treasury.is_look_stale(looks[name], now=now),
            outflow_amount=_outflow_before(account, today),
        )
        for name, account in accounts.items()
    }  # fmt: skip


def _float(
    name: str,
    account: AccountRef,
    look: RailLiquidity | None,
    *,
    booked: int,
    waiting: WaitingForRail | None,
    is_stopped: bool,
    is_stale: bool,
    outflow_amount: int,
) -> RailFloat:
    return RailFloat(
        rail=name, currency=account.currency, balance=_balance_of(look), booked_amount=booked,
        sendable_amount=look.total if look else None, outflow_amount=outflow_amount,
        waiting_count=waiting.count if waiting else 0, waiting_amount=waiting.total.amount if waiting else 0,
        is_stopped=is_stopped, is_stale=is_stale, seen_at=look.seen_at if look else None,
        failure_code=look.failure_code if look else "", failure_facts=look.failure_facts if look else {},
    )  # fmt: skip


def _balance_of(look: RailLiquidity | None) -> ProviderBalance | None:
    if look is None or look.provider_amount is None or look.balance_at is None:
        return None
    return ProviderBalance(Money(look.provider_amount, Currency(look.currency)), look.balance_at)


def _start_of_day(now: datetime) -> datetime:
    return now.astimezone(DAKAR).replace(hour=0, minute=0, second=0, microsecond=0)


@lru_cache(maxsize=64)
def _outflow_before(account: AccountRef, today: datetime) -> int:
    """Return what payments took from an account in the seven days before today, which no longer changes."""
    since = today - timedelta(days=OUTFLOW_DAYS)
    return outflow(account, kind=TransactionKind.PAYMENT, since=since, until=today)


forget_outflows = _outflow_before.cache_clear
