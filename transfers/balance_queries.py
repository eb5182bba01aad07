"""Reads of the treasury for pages: books beside providers and banks, and the forecast. As last read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.utils.timezone import localdate

from ledger.queries import balances
from ledger.types import AccountRef, Money
from sunusav.core.calendar import DAKAR
from sunusav.core.figures import start_of
from sunusav.core.models import Reading
from sunusav.core.readings import reading
from transfers.calculations import forecast, forecast_days
from transfers.models import RailLiquidity
from transfers.rails import rail
from transfers.treasury import is_different, liquidity_of, treasury_accounts
from transfers.types import AccountComparison, AccountForecast, PaymentsDue
from transfers.types.accounts import BANK

STATEMENT_BALANCES: Final = "transfers:statement_balances"
PAYMENTS_DUE: Final = "transfers:payments_due"
# The task reads them every ten minutes.
READ_WITHIN: Final = timedelta(hours=1)


def account_comparisons(*, now: datetime) -> list[AccountComparison]:
    """Return each account of the treasury beside what its provider or bank last said, in a fixed number of queries."""
    refs = list(treasury_accounts().values())
    booked, looks = balances(refs), _looks()
    read = reading(STATEMENT_BALANCES)
    return [
        _with_look(ref, booked[ref], *looks[ref], now=now)
        if ref in looks
        else _with_statement(ref, booked[ref], read)
        for ref in refs
    ]


def statement_differences(*, now: datetime) -> list[AccountComparison]:
    """Return the accounts whose statement closes with another balance than the books of its day.

    One query where there is none.
    """
    read = reading(STATEMENT_BALANCES)
    if read is None or not any(facts["differs_since"] for facts in read.facts.values()):
        return []
    return [one for one in account_comparisons(now=now) if one.statement_id and one.is_alarming]


def _looks() -> dict[AccountRef, tuple[str, RailLiquidity | None]]:
    """Return the last look at each rail, by its account."""
    return {rail(name).account: (name, row) for name, row in liquidity_of(settings.RAILS).items()}


def _with_look(
    ref: AccountRef, booked_amount: int, name: str, row: RailLiquidity | None, *, now: datetime
) -> AccountComparison:
    if row is None or row.balance_at is None:
        return AccountComparison(ref, booked_amount, rail=name, seen_at=row.seen_at if row else None)
    return AccountComparison(
        ref, booked_amount, rail=name, outside_amount=row.provider_amount, outside_at=row.balance_at,
        compared_amount=row.booked_amount, difference_amount=row.difference_amount,
        differs_since=row.differs_since, seen_at=row.seen_at, is_alarming=is_different(row, now=now),
    )  # fmt: skip


def _with_statement(ref: AccountRef, booked_amount: int, read: Reading | None) -> AccountComparison:
    facts = read.facts.get(ref.code) if read else None
    if read is None or facts is None:
        return AccountComparison(ref, booked_amount)
    difference = facts["closing_xof"] - facts["booked_xof"]
    since = facts["differs_since"]
    return AccountComparison(
        ref, booked_amount, statement_id=facts["statement"], outside_amount=facts["closing_xof"],
        closed_on=date.fromisoformat(facts["day"]),
        compared_amount=facts["booked_xof"], difference_amount=difference,
        differs_since=start_of(date.fromisoformat(since)) if since else None, seen_at=read.read_at,
        is_alarming=difference != 0,
    )  # fmt: skip


@dataclass(frozen=True)
class ForecastRead:
    """The forecast of each account that pays, what falls due, and as of when that was read; None: not read yet.

    `rate_xof_per_btc` is what estimates were converted at.
    """

    accounts: tuple[AccountForecast, ...]
    dues: tuple[PaymentsDue, ...]
    read_at: datetime | None
    rate_xof_per_btc: Decimal | None

    def is_old(self, *, now: datetime) -> bool:
        return self.read_at is None or self.read_at < now - READ_WITHIN


def liquidity_forecast(*, now: datetime) -> ForecastRead:
    """Return what falls due as last read, against what can be sent as of the last looks; of the bank, its balance."""
    read = reading(PAYMENTS_DUE)
    facts: Mapping[str, Any] = read.facts if read else {}
    dues = tuple(due_of_facts(one) for one in facts.get("due", ()))
    days = forecast_days(localdate(now, DAKAR))
    sendable = {ref: row.total if row else None for ref, (_, row) in _looks().items()}
    sendable |= {BANK: balances([BANK])[BANK]}
    return ForecastRead(
        tuple(forecast(ref, dues, sendable_amount=amount, days=days) for ref, amount in sendable.items()), dues,
        read.read_at if read else None,
        Decimal(facts["rate_xof_per_btc"]) if read else None,
    )  # fmt: skip


def accounts_running_short(*, now: datetime) -> list[AccountForecast]:
    """Return the accounts from which more falls due than can be sent; none from a reading that is old.

    One query where nothing falls due.
    """
    read = reading(PAYMENTS_DUE)
    if read is None or read.read_at < now - READ_WITHIN or not read.facts["due"]:
        return []
    return [one for one in liquidity_forecast(now=now).accounts if one.short_on]


def due_of_facts(facts: Mapping[str, Any]) -> PaymentsDue:
    """Return what was stored of payments that fall due."""
    account = AccountRef.of_code(facts["account"])
    return PaymentsDue(
        account, date.fromisoformat(facts["day"]), facts["what"], facts["count"],
        Money(facts["amount"], account.currency), is_estimate=facts["is_estimate"],
    )  # fmt: skip


def facts_of_due(one: PaymentsDue) -> dict[str, Any]:
    """Return what is stored of payments that fall due."""
    return {
        "account": one.account.code, "day": one.due_on.isoformat(), "what": one.what, "count": one.count,
        "amount": one.money.amount, "is_estimate": one.is_estimate,
    }  # fmt: skip
