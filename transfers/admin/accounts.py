"""The accounts of the treasury beside their providers and bank, and what falls due in the next days."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from django.http import QueryDict
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ledger.types import AccountRef
from sunusav.backoffice.columns import badge
from sunusav.backoffice.facts import day, instant, moment, show_code
from sunusav.backoffice.money import NOTHING, show_in, show_number, show_rate
from sunusav.backoffice.sections import Section, Table, link_to_page
from sunusav.core.models import User
from transfers.account_names import account_name
from transfers.balance_queries import ForecastRead
from transfers.enums import TreasuryKind
from transfers.types import AccountComparison, AccountForecast, ForecastDay

PROPOSE: Final = "transfers.propose_treasury_movement"
ABOUT_ACCOUNTS = _(
    "Each account of ours in the books, beside what its provider reported or its bank's last statement closes with. A"
    " difference is what the other side has more, beyond payments under way. Find its cause and propose the movement;"
    " once that is booked, it is gone."
)
ABOUT_FORECAST = _(
    "Payments that are ordered, waiting or to be repaired, and settlements with partners, against what can be sent now."
    " Money that may come in is not counted. “≈” marks what is converted at the latest rate or has no fixed amount yet."
)
NOT_READ_YET = _("What falls due was not read yet: a task reads it every ten minutes.")
AS_READ = _("As read at %(at)s, at %(rate)s; a task reads it every ten minutes.")
OUT_OF_DATE = _(
    "That is out of date: have the operator look whether the scheduler and the worker of the reports run."
)
NO_STATEMENT = _("no closing balance imported yet")
NO_LOOK = _("not looked at yet")
NOBODY_REPORTS = _("nobody reports it")
AT = _("%(provider)s on %(at)s, when the books had %(booked)s")
AT_END_OF = _("%(amount)s at the end of %(day)s, when the books had %(booked)s")


# Books beside providers and bank


def accounts_table(found: Iterable[AccountComparison], *, user: User) -> Table:
    """Return one line per account."""
    may_propose = user.has_perm(PROPOSE)
    return Table(
        title=_("Account by account"),
        heads=(
            _("account"), _("in the books"), _("at the provider or bank"), _("difference"), _("since"),
            _("last compared"), _("state"),
        ),
        rows=[_account_row(one, may_propose=may_propose) for one in found],
        anchor="accounts",
        stacks=True,
    )  # fmt: skip


def _account_row(one: AccountComparison, *, may_propose: bool) -> Sequence[Any]:
    currency = one.account.currency
    return (
        _account_link(one),
        show_in(currency, one.booked_amount),
        _outside(one),
        _difference(one, may_propose=may_propose),
        _since(one),
        moment(one.seen_at) if one.seen_at else NOTHING,
        _state(one),
    )


def _account_link(one: AccountComparison) -> Any:
    name = account_name(one.account)
    if one.rail:
        return link_to_page("transfers.railliquidity", one.rail, name)
    return link_to_page("transfers.statementimport", one.statement_id, name) if one.statement_id else name


def _outside(one: AccountComparison) -> str:
    """Show what the other side had, when, and what the books had then."""
    if one.outside_amount is None:
        return str(_why_unknown(one))
    amount = show_in(one.account.currency, one.outside_amount)
    booked = show_in(one.account.currency, one.compared_amount)
    if one.closed_on is not None:
        return str(AT_END_OF % {"amount": amount, "day": day(one.closed_on.isoformat()), "booked": booked})
    return str(AT % {"provider": amount, "at": instant(one.outside_at), "booked": booked})


def _since(one: AccountComparison) -> str:
    """Show since when an account differs: by a statement, the day that it closes."""
    if one.differs_since is None:
        return NOTHING
    return day(one.differs_since.date().isoformat()) if one.closed_on else moment(one.differs_since)


def _why_unknown(one: AccountComparison) -> Any:
    if one.rail:
        return NO_LOOK
    return NO_STATEMENT if one.is_of_bank else NOBODY_REPORTS


def _difference(one: AccountComparison, *, may_propose: bool) -> Any:
    """Show a difference, and to who may do it, the link to the movement that would explain it."""
    shown = show_in(one.account.currency, one.difference_amount)
    if not one.difference_amount or not may_propose:
        return shown
    return format_html(
        '<span>{} <a href="{}">{}</a></span>', shown, movement_url(one), gettext("Propose the movement")
    )


def movement_url(one: AccountComparison) -> str:
    """Return the page on which the movement that explains a difference is proposed."""
    kind = TreasuryKind.SURPLUS if (one.difference_amount or 0) > 0 else TreasuryKind.SHORTFALL
    given = QueryDict(mutable=True)
    given.update({"account": one.account.code, "kind": kind.value})
    page = reverse("admin:transfers_treasurymovement_action", args=["propose"])
    return f"{page}?{given.urlencode()}"


def _state(one: AccountComparison) -> str:
    if one.difference_amount is None:
        code = "balance_unknown"
    elif one.is_alarming:
        code = "balance_differs"
    else:
        code = "balance_just_moved" if one.difference_amount else "balance_agrees"
    return badge(code, show_code(code))


# Forecast


def about_forecast(found: ForecastRead, *, now: datetime) -> str:
    """Return what the page says above its figures: what they are, and as of when."""
    if found.read_at is None:
        return f"{ABOUT_FORECAST} {NOT_READ_YET}"
    read = AS_READ % {"at": moment(found.read_at), "rate": show_rate(found.rate_xof_per_btc)}
    return " ".join(
        str(one) for one in (ABOUT_FORECAST, read, *([OUT_OF_DATE] if found.is_old(now=now) else []))
    )


def forecast_sections(found: ForecastRead) -> Sequence[Section]:
    """Return the accounts, what is left of them day by day, and what falls due."""
    return (_accounts(found.accounts), _days(found.accounts), _dues(found))


def _accounts(accounts: Sequence[AccountForecast]) -> Table:
    return Table(
        title=_("Does the money suffice for seven days?"),
        heads=(
            _("account"), _("can be sent"), _("due in seven days"), _("left afterwards"), _("runs short on"),
            _("short by"),
        ),
        rows=[_forecast_row(one) for one in accounts],
        anchor="forecast",
        stacks=True,
    )  # fmt: skip


def _forecast_row(one: AccountForecast) -> Sequence[Any]:
    currency, last, short = one.account.currency, one.days[-1], one.short_on
    return (
        account_name(one.account),
        show_in(currency, one.sendable_amount),
        _estimated(show_in(currency, one.due_amount), is_estimate=one.is_estimate),
        _left(one, last),
        badge("runs_short", day(short.day.isoformat())) if short else NOTHING,
        _estimated(show_in(currency, last.short_amount), is_estimate=one.is_estimate) if short else NOTHING,
    )


def _left(one: AccountForecast, of: ForecastDay) -> str:
    """Show what is left at the end of a day, an estimate where one falls due until then."""
    is_estimate = any(earlier.is_estimate for earlier in one.days if earlier.day <= of.day)
    return _estimated(show_in(one.account.currency, of.left_amount), is_estimate=is_estimate)


def _estimated(shown: str, *, is_estimate: bool) -> str:
    return f"≈\u00a0{shown}" if is_estimate and shown != NOTHING else shown


def _days(accounts: Sequence[AccountForecast]) -> Table:
    """Return what is left at the end of each day, of the accounts from which anything falls due."""
    used = [one for one in accounts if one.due_amount]
    days = [of.day for of in used[0].days] if used else []
    return Table(
        title=_("Left at the end of the day"),
        heads=(_("day"), *(account_name(one.account) for one in used)),
        rows=[
            (day(of.isoformat()), *(_left_on(one, one.days[number]) for one in used))
            for number, of in enumerate(days)
        ],
        empty=_("Nothing falls due in the next seven days."),
        anchor="days",
    )


def _left_on(one: AccountForecast, of: ForecastDay) -> str:
    shown = _left(one, of)
    return badge("runs_short", shown) if of.short_amount else shown


def _dues(found: ForecastRead) -> Table:
    return Table(
        title=_("What falls due"),
        heads=(_("day"), _("account"), _("what"), _("payments"), _("amount")),
        rows=list(_due_rows(found)),
        empty=_("Nothing falls due in the next seven days."),
        anchor="due",
        stacks=True,
    )


def _due_rows(found: ForecastRead) -> Iterator[Sequence[Any]]:
    names: dict[AccountRef, str] = {}
    for one in sorted(found.dues, key=lambda due: (due.due_on, due.account.code, due.what)):
        name = names.setdefault(one.account, account_name(one.account))
        amount = _estimated(show_in(one.money.currency, one.money.amount), is_estimate=one.is_estimate)
        yield day(one.due_on.isoformat()), name, show_code(one.what), show_number(one.count), amount
