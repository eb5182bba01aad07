"""Inbox item of the ledger: the last audit that found breaches."""

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from ledger.auditor import AUDIT_SUBJECT
from sunusav.backoffice.facts import moment
from sunusav.backoffice.inbox import ALARM, CALM, InboxItem, Notice
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


INBOX = [InboxItem("ledger.view_journaltransaction", _audit)]
SUBJECT_PAGES = {"manual_rate": "ledger.manualraterequest"}
