"""Inbox items of the ledger: the last audit that found breaches, and what is owed back."""

from datetime import datetime

from django.urls import reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from ledger.auditor import AUDIT_SUBJECT
from ledger.enums import AccountRole
from ledger.queries import open_receivables
from sunusav.backoffice.facts import moment
from sunusav.backoffice.inbox import ALARM, ATTENTION, CALM, InboxItem, Notice
from sunusav.backoffice.navigation import Area, ListEntry
from sunusav.core.models import TrailEntry, User
from sunusav.core.switches import outgoing


def _audit(user: User, now: datetime) -> Notice:
    # Audits that find nothing leave no entry in the trail.
    last_breach = TrailEntry.objects.filter(subject=AUDIT_SUBJECT).order_by("-id").first()
    url = f"{reverse('admin:core_trailentry_changelist')}?q={AUDIT_SUBJECT}"
    if last_breach is None:
        return Notice(_("Audit of the books"), _("never a breach"), url)
    value = _("breaches on %(at)s") % {"at": moment(last_breach.at)}
    return Notice(_("Audit of the books"), value, url, CALM if outgoing().is_open else ALARM)


def _receivables(user: User, now: datetime) -> Notice | None:
    """Report the accounts that owe something back after a reversal, until their accruals have repaid it."""
    found = open_receivables()
    if not found:
        return None
    url = f"{reverse('admin:ledger_account_changelist')}?role__exact={AccountRole.RECEIVABLE}"
    value = _("%(count)s, the oldest for %(age)s") % {
        "count": len(found),
        "age": timesince(found[0].since, now, depth=1),
    }
    return Notice(_("Receivables after reversals"), value, url, ATTENTION)


INBOX = [
    InboxItem("ledger.view_journaltransaction", _audit),
    InboxItem("ledger.view_account", _receivables),
]
NAVIGATION = [
    ListEntry(Area.RATES, "ledger.exchangerate", "show_chart", rank=10),
    ListEntry(Area.RATES, "ledger.manualraterequest", "edit_note", rank=20),
    ListEntry(Area.RATES, "ledger.currencyconversion", "currency_exchange", rank=30),
    ListEntry(Area.BOOKS, "ledger.account", "account_tree", rank=10),
    ListEntry(Area.BOOKS, "ledger.journaltransaction", "menu_book", rank=20),
    ListEntry(Area.BOOKS, "ledger.journalentry", "list_alt", rank=30),
    ListEntry(Area.BOOKS, "ledger.accountcheckpoint", "flag", rank=40),
    ListEntry(Area.TECHNICAL, "ledger.ledgerseal", "lock", rank=80),
]
PROPOSAL_PAGES = {"manual_rate": "ledger.manualraterequest"}
