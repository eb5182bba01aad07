"""Inbox items about the books and the rates."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ledger.audit_queries import LastAudits, last_audits
from ledger.calculations import xof_from_msat
from ledger.enums import AccountRole, AuditKind, Currency
from ledger.models import AuditRun
from ledger.queries import open_receivables
from ledger.rates.current import FRESH_FOR, last_accepted, newest_is_quarantined
from ledger.types import Receivable
from sunusav.backoffice.facts import moment, value_of
from sunusav.backoffice.francs import FrancsNow
from sunusav.backoffice.inbox import (
    ALARM,
    ATTENTION,
    CALM,
    ROWS_SHOWN,
    Amount,
    InboxItem,
    NextStep,
    Notice,
    Row,
    Waiting,
)
from sunusav.backoffice.money import show_rate
from sunusav.backoffice.sections import page_of
from sunusav.core.models import User
from sunusav.core.roles import Role


def _audit(user: User, now: datetime) -> Notice:
    """Report when the books were last checked; that they conform, only if they were, lately and in full."""
    last, title = last_audits(now=now), _("Books")
    url = reverse("admin:ledger_auditrun_changelist")
    if last.newest is None:
        return Notice(title, _("never checked"), url, ALARM)
    facts = {"at": moment(last.newest.ended_at), "count": last.breaches_found}
    if last.breaches_found:
        found = ngettext(
            "last checked %(at)s – %(count)s breach",
            "last checked %(at)s – %(count)s breaches",
            last.breaches_found,
        )
        return Notice(title, found % facts, _page_of_breach(last), ALARM)
    if last.late:
        return Notice(title, _late(last, last.newest), url, ALARM)
    return Notice(title, gettext("last checked %(at)s – conform") % facts, url, CALM)


def _late(last: LastAudits, newest: AuditRun) -> str:
    """Say which audit is late: any, or the one of everything."""
    if AuditKind.FAST in last.late:
        return gettext("not checked since %(at)s") % {"at": moment(newest.ended_at)}
    full = last.runs.get(AuditKind.FULL)
    if full is None:
        return gettext("never checked in full")
    return gettext("not checked in full since %(at)s") % {"at": moment(full.ended_at)}


def _page_of_breach(last: LastAudits) -> str:
    broken = [run for run in last.runs.values() if run.breaches_found]
    newest = max(broken, key=lambda run: run.started_at)
    return page_of("ledger.auditrun", newest.pk)


def _receivables(user: User, now: datetime) -> Notice | None:
    """Report the accounts that owe something back after a reversal, until their accruals have repaid it."""
    found = open_receivables()
    if not found:
        return None
    url = f"{reverse('admin:ledger_account_changelist')}?role__exact={AccountRole.RECEIVABLE}"
    waiting = Waiting(len(found), _sum_of(found), found[0].since)
    rows = [
        Row(value_of("account_code", one.account.code), since=one.since, amount=_sum_of([one]))
        for one in found[:ROWS_SHOWN]
    ]
    return Notice(_("Receivables after reversals"), "", url, ATTENTION, waiting, rows)


def _sum_of(found: list[Receivable]) -> Amount:
    sums: dict[Currency, int] = {}
    for one in found:
        sums[one.account.currency] = sums.get(one.account.currency, 0) + one.amount
    return Amount(sums.get(Currency.MSAT), sums.get(Currency.XOF))


def _rate(user: User, now: datetime) -> Notice | None:
    """Report that no market rate is fresh: francs wait for one, or are paid at the fallback rate."""
    rate = last_accepted()
    if rate is not None and now - rate.observed_at < FRESH_FOR:
        return None
    url = reverse("admin:ledger_exchangerate_changelist")
    value: Any = (
        _("none yet") if rate is None else _("last rate of %(at)s") % {"at": moment(rate.observed_at)}
    )
    if newest_is_quarantined():
        value = _("%(rate)s; newer ones are in quarantine") % {"rate": value}
    propose = reverse("admin:ledger_manualraterequest_action", args=["propose"])
    step = NextStep(_("Propose a rate"), propose, "ledger.propose_manual_rate")
    since = rate.observed_at if rate else None
    row = Row(_("Fallback rate in use"), url, since, step=step)
    return Notice(_("No fresh exchange rate"), value, url, ALARM, rows=[row])


def francs_now(now: datetime) -> FrancsNow | None:
    """Return the newest rate from the market or from two people, by which amounts in sats are shown in francs.

    Rounding: down, to whole francs.
    """
    rate = last_accepted()
    if rate is None:
        return None
    price = rate.rate_xof_per_btc
    return FrancsNow(
        rate_shown=show_rate(price), observed_at=rate.observed_at,
        convert=lambda amount_msat: xof_from_msat(amount_msat, rate_xof_per_btc=price),
    )  # fmt: skip


INBOX = [
    InboxItem("ledger.view_auditrun", _audit, [Role.AUDITOR, Role.OPERATOR]),
    InboxItem("ledger.view_account", _receivables, [Role.FINANCE]),
    InboxItem("ledger.view_exchangerate", _rate, [Role.FINANCE, Role.OPERATOR]),
]
FRANCS = [francs_now]
