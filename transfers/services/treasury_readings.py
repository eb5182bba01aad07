"""The treasury as a task reads it, for pages that must be quick: statements beside the books, and what falls due."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import groupby
from typing import Any

from django.utils.timezone import localdate

from ledger.enums import Currency
from ledger.queries import current_rate, msat_from_xof, xof_from_msat
from ledger.types import Money, Rate
from sunusav.core.app_modules import collect
from sunusav.core.calendar import DAKAR
from sunusav.core.readings import store_reading
from transfers.balance_queries import PAYMENTS_DUE, STATEMENT_BALANCES, facts_of_due
from transfers.calculations import forecast_days
from transfers.statements.closing import compared_days, differs_since
from transfers.types import BANK_SOURCE, PaymentsDue
from transfers.types.accounts import BANK


def read_treasury(*, now: datetime) -> int:
    """Store the bank's statements beside the books, and what falls due in seven days; return how many payments do."""
    today = localdate(now, DAKAR)
    store_reading(STATEMENT_BALANCES, _statement_balances(today), now=now)
    rate = current_rate(now)
    dues = payments_due(forecast_days(today), rate=rate)
    store_reading(PAYMENTS_DUE, {
        "first_day": today.isoformat(), "rate_xof_per_btc": str(rate.rate_xof_per_btc), "is_fallback": rate.is_fallback,
        "due": [facts_of_due(one) for one in dues],
    }, now=now)  # fmt: skip
    return sum(one.count for one in dues)


def _statement_balances(today: date) -> dict[str, Any]:
    """Return the last closing balance of the bank beside the books of that day; nothing without one."""
    days = compared_days(BANK_SOURCE, BANK, today=today)
    if not days:
        return {}
    newest, since = days[0], differs_since(days)
    return {
        BANK.code: {
            "statement": newest.statement_id, "day": newest.day.isoformat(), "closing_xof": newest.closing_xof,
            "booked_xof": newest.booked_xof, "differs_since": since.isoformat() if since else None,
        }
    }  # fmt: skip


def payments_due(days: Sequence[date], *, rate: Rate) -> list[PaymentsDue]:
    """Return what all apps list as falling due on these days, in the currency of its account: one per day and code.

    Rounding of what is converted: down, once per day and code.
    """
    listed: list[Callable[[Sequence[date]], Iterable[PaymentsDue]]] = collect("falling_due", "FALLING_DUE")
    found = sorted((one for list_due in listed for one in list_due(days)), key=_by_currency)
    sums = [_sum(list(ones)) for _, ones in groupby(found, key=_by_currency)]
    converted = sorted((_in_own_currency(one, rate) for one in sums), key=_by_code)
    return [_sum(list(ones)) for _, ones in groupby(converted, key=_by_code)]


def _by_code(one: PaymentsDue) -> tuple[str, date, str]:
    return one.account.code, one.due_on, one.what


def _by_currency(one: PaymentsDue) -> tuple[str, date, str, str]:
    return (*_by_code(one), one.money.currency)


def _sum(ones: Sequence[PaymentsDue]) -> PaymentsDue:
    amount = sum(one.money.amount for one in ones)
    return replace(
        ones[0], count=sum(one.count for one in ones), money=replace(ones[0].money, amount=amount),
        is_estimate=any(one.is_estimate for one in ones),
    )  # fmt: skip


def _in_own_currency(one: PaymentsDue, rate: Rate) -> PaymentsDue:
    own = one.account.currency
    if one.money.currency is own:
        return one
    convert = xof_from_msat if own is Currency.XOF else msat_from_xof
    amount = convert(one.money.amount, rate_xof_per_btc=rate.rate_xof_per_btc)
    return replace(one, money=Money(amount, own), is_estimate=True)
