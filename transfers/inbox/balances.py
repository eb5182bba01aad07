"""The bank that has another balance than the books, and accounts that run short. As last read: nobody is asked."""

from datetime import datetime
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.facts import day
from sunusav.backoffice.inbox import ALARM, ATTENTION, Amount, InboxItem, NextStep, Notice, Row, Waiting
from sunusav.backoffice.money import show_in
from sunusav.core.models import User
from sunusav.core.roles import Role
from transfers.account_names import account_name
from transfers.balance_queries import accounts_running_short, statement_differences
from transfers.types import AccountComparison, AccountForecast

ACCOUNTS_PAGE: Final = "admin:transfers_railliquidity_accounts"
FORECAST_PAGE: Final = "admin:transfers_railliquidity_forecast"
FROM = _("from %(day)s on")


def _statement_balances(user: User, now: datetime) -> Notice | None:
    """Report accounts whose statement closes with another balance than the books of its day.

    What providers report is an item of its own.
    """
    found = statement_differences(now=now)
    if not found:
        return None
    since = min((one.differs_since for one in found if one.differs_since), default=None)
    title = _("Statements close with another balance than the books")
    rows = [_difference(one) for one in found]
    return Notice(title, "", reverse(ACCOUNTS_PAGE), ALARM, Waiting(len(found), since=since), rows)


def _difference(one: AccountComparison) -> Row:
    page = reverse(ACCOUNTS_PAGE)
    why = show_in(one.account.currency, one.difference_amount)
    step = NextStep(_("Open"), page)
    return Row(account_name(one.account), page, one.differs_since, why=why, step=step)


def _runs_short(user: User, now: datetime) -> Notice | None:
    """Report accounts from which more falls due in seven days than can be sent; not from a reading that is old."""
    rows = [_short(one) for one in accounts_running_short(now=now)]
    if not rows:
        return None
    title, page = _("Accounts that run short within seven days"), reverse(FORECAST_PAGE)
    return Notice(title, "", page, ATTENTION, Waiting(len(rows)), rows)


def _short(one: AccountForecast) -> Row:
    assert one.short_on is not None, "only accounts that run short are listed"  # noqa: S101  (a programmer's mistake)
    page = reverse(FORECAST_PAGE)
    amount = Amount.of(one.account.currency, one.days[-1].short_amount)
    why = FROM % {"day": day(one.short_on.day.isoformat())}
    return Row(account_name(one.account), page, amount=amount, why=why, step=NextStep(_("Open"), page))


VIEW = "transfers.view_railliquidity"
INBOX = [
    InboxItem(VIEW, _statement_balances, [Role.FINANCE, Role.AUDITOR]),
    InboxItem(VIEW, _runs_short, [Role.FINANCE]),
]
