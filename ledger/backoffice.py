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
PROPOSAL_PAGES = {"manual_rate": "ledger.manualraterequest"}
