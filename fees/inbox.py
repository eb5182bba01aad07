"""Inbox items about fee schedules."""

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from fees.enums import DraftState
from fees.models import FeeScheduleDraft
from fees.services import FEE_SCHEDULE
from sunusav.backoffice.inbox import (
    ATTENTION,
    ROWS_SHOWN,
    InboxItem,
    NextStep,
    Notice,
    Row,
    count_waiting,
)
from sunusav.backoffice.sections import action_page, page_of
from sunusav.core.approvals import open_subjects
from sunusav.core.models import User
from sunusav.core.roles import Role


def _drafts(user: User, now: datetime) -> Notice | None:
    """Report drafts that nobody has proposed yet, or whose proposal was rejected."""
    proposed = [int(key) for key in open_subjects(FEE_SCHEDULE)]
    drafts = FeeScheduleDraft.objects.filter(state=DraftState.DRAFT).exclude(pk__in=proposed)
    waiting = count_waiting(drafts, since="created_at")
    if waiting is None:
        return None
    rows = [_draft(row) for row in drafts.select_related("author").order_by("pk")[:ROWS_SHOWN]]
    url = f"{reverse('admin:fees_feescheduledraft_changelist')}?state__exact={DraftState.DRAFT.value}"
    return Notice(_("Fee schedules to propose"), "", url, ATTENTION, waiting, rows)


def _draft(row: FeeScheduleDraft) -> Row:
    step = NextStep(
        _("Propose"), action_page("fees.feescheduledraft", "propose", row.pk), "fees.propose_fee_schedule"
    )
    title = _("Draft %(number)s of %(author)s") % {"number": row.pk, "author": row.author.get_username()}
    return Row(title, page_of("fees.feescheduledraft", row.pk), row.created_at, why=row.note, step=step)


INBOX = [InboxItem("fees.view_feescheduledraft", _drafts, [Role.FINANCE])]
