"""What the back office itself contributes: the inbox items of core, how proposals are found, pages of its proposals."""

from django.db.models import QuerySet
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice import access_items, core_items, core_rows
from sunusav.backoffice.navigation import Area, ListEntry, PageEntry
from sunusav.backoffice.rule_phrases import kind_phrase, roles_phrase
from sunusav.backoffice.search import Search, identifier, number, rows_found
from sunusav.core.app_modules import collect
from sunusav.core.models import Proposal

__all__ = ["INBOX", "MAY_LEAVE", "NAVIGATION", "PROPOSAL_PAGES", "SEARCHES"]

MAY_LEAVE = _("Sends that had passed their last check before, and may still leave: %(count)s.")


def _numbered(pk: str) -> QuerySet[Proposal]:
    return Proposal.objects.filter(pk=pk)


def _open_about(subject_id: str) -> QuerySet[Proposal]:
    """Return what waits about a subject, by the unique constraint of open proposals."""
    kinds = [item.kind for item in collect("approvables", "APPROVABLES")]
    return Proposal.objects.filter(kind__in=kinds, open_subject=subject_id)


INBOX = [*core_items.INBOX, *access_items.INBOX]
PROPOSAL_PAGES = {
    "outgoing_resume": "core.switch",
    "approval_band": "core.approvalbandrequest",
    "second_factor_reset": "core.user",
}
FACT_FORMATS = {
    "proposal_kind": kind_phrase,
    "in_force_roles": roles_phrase,
    "size_bytes": filesizeformat,
    "most_bytes": filesizeformat,
}
SEARCHES = [
    Search(
        "proposals", _("Proposals"), "core.view_proposal", number, rows_found(_numbered, state="state"),
        is_unambiguous=False,
    ),
    Search(
        "open-proposals", _("Proposals that wait"), "core.view_proposal", identifier,
        rows_found(_open_about, state="state"), is_unambiguous=False,
    ),
]  # fmt: skip
NAVIGATION = [
    PageEntry(Area.TO_DO, "admin:index", _("Home"), "home", rank=10),
    ListEntry(Area.TO_DO, "core.proposal", "how_to_vote", rank=20),
    ListEntry(Area.TO_DO, "core.approval", "gavel", rank=30),
    ListEntry(Area.CONTROL, "core.switch", "pause_circle", rank=10),
    ListEntry(Area.CONTROL, "core.approvalband", "rule", rank=20),
    ListEntry(Area.CONTROL, "core.approvalbandrequest", "edit_note", rank=22),
    ListEntry(Area.CONTROL, "core.trailentry", "history_edu", rank=30),
    ListEntry(Area.CONTROL, "core.export", "download", rank=60),
    ListEntry(Area.CONTROL, "core.user", "manage_accounts", rank=70),
    ListEntry(Area.CONTROL, "core.staffsession", "devices", rank=72),
    ListEntry(Area.CONTROL, "auth.group", "admin_panel_settings", rank=75),
    ListEntry(Area.CONTROL, "knox.authtoken", "key", rank=80),
    ListEntry(Area.TECHNICAL, "django_celery_beat.periodictask", "schedule", rank=40),
    ListEntry(Area.TECHNICAL, "core.outboxmessage", "outbox", rank=70),
    ListEntry(Area.TECHNICAL, "core.reading", "monitor_heart", rank=75),
    ListEntry(Area.TECHNICAL, "core.trailseal", "verified", rank=82),
    ListEntry(Area.TECHNICAL, "otp_totp.totpdevice", "pin", rank=90),
]
TIMELINES = [core_rows.messages]
NEXT_STEPS = core_rows.NEXT_STEPS
