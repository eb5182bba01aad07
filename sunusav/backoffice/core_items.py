"""Inbox items of core: proposals, messages to the platform, periodic tasks, and the health of each component."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from celery.schedules import crontab
from django.urls import reverse
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import PeriodicTask

from sunusav.backoffice import decisions
from sunusav.backoffice.facts import moment
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
    count_waiting,
)
from sunusav.backoffice.sections import name_of_subject, page_of
from sunusav.core import phrasing
from sunusav.core.approvals import amount_proposed
from sunusav.core.health import DOWN, OK
from sunusav.core.models import OutboxMessage, Proposal, ProposalState, Reading, User
from sunusav.core.readings import HEALTH, HEALTH_READ_WITHIN, health_readings
from sunusav.core.roles import Role

# Beat stores the last runs at least every three minutes.
LATE_BY: Final = timedelta(minutes=10)
UNDELIVERED_AFTER: Final = timedelta(minutes=10)


def _proposals(user: User, now: datetime) -> Notice | None:
    rows = decisions.waiting_for(user)
    waiting = count_waiting(rows, since="proposed_at")
    if waiting is None:
        return None
    first = rows.select_related("proposer").order_by("proposed_at")[:ROWS_SHOWN]
    return Notice(
        title=_("Proposals waiting for your decision"), value="",
        url=f"{reverse('admin:core_proposal_changelist')}?waits=me", tone=ATTENTION, waiting=waiting,
        rows=[_proposal(row, _("Decide"), row.proposed_at) for row in first],
    )  # fmt: skip


def _proposal(proposal: Proposal, step: Any, since: datetime | None, *, why: Any = None) -> Row:
    page = page_of("core.proposal", proposal.pk)
    money = amount_proposed(proposal)
    return Row(
        title=f"{phrasing.proposal_label(proposal.kind)} ({decisions.subject_name(proposal)})", url=page, since=since,
        amount=Amount.of(money.currency, money.amount) if money else None,
        why=_by(proposal) if why is None else why, step=NextStep(step, page),
    )  # fmt: skip


def _own(user: User, now: datetime) -> Notice | None:
    """Report the decisions on a person's proposals that they have not opened, and those still open."""
    found = decisions.decided_proposals_of(user, now=now)
    decided = [own for own in found if own.proposal.state != ProposalState.OPEN]
    if not found:
        return None
    shown = [
        *(_proposal(own.proposal, _("Read"), own.proposal.decided_at, why=_outcome(own)) for own in decided),
        *(_waits(own.proposal) for own in found if own.proposal.state == ProposalState.OPEN),
    ]
    url = f"{reverse('admin:core_proposal_changelist')}?proposer__id__exact={user.pk}"
    title = _("Your proposals: decided") if decided else _("Your proposals: they wait for another person")
    counted = shown[: len(decided)] or shown
    waiting = Waiting(len(counted), since=min(row.since for row in counted if row.since))
    return Notice(title, "", url, ATTENTION if decided else CALM, waiting, shown[:ROWS_SHOWN])


def _waits(proposal: Proposal) -> Row:
    why = gettext("waits for another person; you wrote: %(reason)s") % {"reason": proposal.reason}
    return _proposal(
        proposal,
        _("Open"),
        proposal.proposed_at,
        why=why if proposal.reason else gettext("waits for another person"),
    )


def _outcome(own: decisions.OwnProposal) -> str:
    state = phrasing.code_label(own.proposal.state)
    if not own.decided_by:
        return state
    facts = {"state": state, "who": own.decided_by, "reason": own.reason}
    return (
        gettext("%(state)s by %(who)s: %(reason)s") if own.reason else gettext("%(state)s by %(who)s")
    ) % facts


def _by(proposal: Proposal) -> str:
    who = {"who": proposal.proposer.get_username(), "reason": proposal.reason}
    return (gettext("%(who)s: %(reason)s") if proposal.reason else gettext("by %(who)s")) % who


def _undelivered(user: User, now: datetime) -> Notice | None:
    """Report messages that the platform has not accepted for ten minutes."""
    late = OutboxMessage.objects.filter(delivered_at=None, created_at__lt=now - UNDELIVERED_AFTER)
    waiting = count_waiting(late, since="created_at")
    if waiting is None:
        return None
    url = f"{reverse('admin:core_outboxmessage_changelist')}?delivered_at__isnull=True"
    rows = [
        Row(
            f"{phrasing.topic_label(row.topic)} ({name_of_subject(row.subject)})",
            page_of("core.outboxmessage", row.pk),
            row.created_at,
            why=row.last_error,
        )
        for row in late.order_by("next_try_at")[:ROWS_SHOWN]
    ]
    return Notice(_("Messages that the platform has not accepted"), "", url, ATTENTION, waiting, rows)


def _schedules(user: User, now: datetime) -> Notice | None:
    """Report periodic tasks that are disabled, or that have not run when they should have."""
    tasks = PeriodicTask.objects.filter(one_off=False).select_related(
        "interval", "crontab", "solar", "clocked"
    )
    due = [(task, _due_at(task)) for task in tasks.order_by("name") if task.enabled]
    late = [(task, at) for task, at in due if at + LATE_BY < now]
    disabled = [task for task in tasks if not task.enabled]
    if not late and not disabled:
        return None
    rows = [
        *(
            _task(task, at, _("has not run since %(at)s") % {"at": moment(task.last_run_at)})
            for task, at in late
        ),
        *(_task(task, None, pgettext_lazy("schedule", "disabled")) for task in disabled),
    ]
    since = min((at for _task_, at in late), default=None)
    return Notice(
        title=_("Periodic tasks that are disabled or late"), value="",
        url=reverse("admin:django_celery_beat_periodictask_changelist"), tone=ALARM if late else ATTENTION,
        waiting=Waiting(len(rows), since=since), rows=rows[:ROWS_SHOWN],
    )  # fmt: skip


def _due_at(task: PeriodicTask) -> datetime:
    """Return when a task should have run again after its last run, or else after it was stored."""
    last: datetime = task.last_run_at or task.date_changed
    schedule = task.schedule
    if isinstance(schedule, crontab):
        start, delta, _now = schedule.remaining_delta(last)
        due: datetime = start + delta
        return due
    return last + timedelta(seconds=schedule.run_every.total_seconds())


def _task(task: PeriodicTask, since: datetime | None, why: Any) -> Row:
    page = page_of("django_celery_beat.periodictask", task.pk)
    step = NextStep(_("Open"), page, "django_celery_beat.change_periodictask")
    return Row(phrasing.known_label(task.name) or task.name, page, since, why=why, step=step)


def _health(user: User, now: datetime) -> Notice:
    """Report the components that were not well when a worker last looked; no page asks a provider."""
    rows = health_readings()
    title, url = _("Health of the components"), reverse("admin:core_reading_changelist")
    newest = max((row.read_at for row in rows), default=None)
    if newest is None:
        return Notice(title, _("never checked"), url, ALARM)
    if newest < now - HEALTH_READ_WITHIN:
        return Notice(title, _("not checked since %(at)s") % {"at": moment(newest)}, url, ALARM)
    ill = [row for row in rows if row.facts["status"] != OK]
    if not ill:
        return Notice(title, _("all well at %(at)s") % {"at": moment(newest)}, url, CALM)
    tone = ALARM if any(row.facts["status"] == DOWN for row in ill) else ATTENTION
    return Notice(title, "", url, tone, Waiting(len(ill)), _components(ill))


def _components(ill: Iterable[Reading]) -> list[Row]:
    return [
        Row(component_label(row.name), why=phrasing.code_label(row.facts["status"], of="health"), url="")
        for row in ill
    ]


def component_label(name: str) -> str:
    """Return what a component of the health is called, given the name of its reading."""
    return phrasing.code_label(name.removeprefix(HEALTH), of="health")


INBOX = [
    InboxItem("core.view_proposal", _proposals),
    InboxItem("core.view_proposal", _own),
    InboxItem("core.view_outboxmessage", _undelivered, [Role.OPERATOR]),
    InboxItem("django_celery_beat.view_periodictask", _schedules, [Role.OPERATOR]),
    InboxItem("core.view_reading", _health, [Role.OPERATOR]),
]
