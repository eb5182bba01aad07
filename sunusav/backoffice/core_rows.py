"""What timelines and pages say about rows of core: messages to the platform, proposals, the switch, schedules."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import PeriodicTask

from sunusav.backoffice.facts import instant, show_actor
from sunusav.backoffice.next_steps import BY_ITSELF, NextStep, decided, waits_for_decision
from sunusav.backoffice.sections import Line, link_to
from sunusav.backoffice.timeline import INFORMED, LINES_SHOWN, Story
from sunusav.core import phrasing
from sunusav.core.models import OutboxMessage, Proposal, ProposalState, Switch, User


def messages(story: Story) -> Iterator[Line]:
    """Yield the messages to the platform about the subjects of a timeline, and what became of each."""
    rows = OutboxMessage.objects.filter(subject__in=list(story.names)).order_by("-pk")
    for row in rows[:LINES_SHOWN]:
        yield Line(
            row.created_at, INFORMED, _said_to_platform(row), who=show_actor("system:api"), facts=_delivery(row),
            tone="attention" if row.last_error else "",
            links=[link_to(row, gettext("message %(number)s") % {"number": row.pk})], key=row.pk,
        )  # fmt: skip


def _said_to_platform(row: OutboxMessage) -> str:
    return gettext("Message to the platform: %(topic)s") % {"topic": phrasing.topic_label(row.topic)}


def _delivery(row: OutboxMessage) -> list[tuple[Any, Any]]:
    if row.delivered_at is not None:
        return [(_("Delivered"), instant(row.delivered_at))]
    waits: list[tuple[Any, Any]] = [(_("Next try"), instant(row.next_try_at))]
    return [*waits, (_("Last error"), row.last_error)] if row.last_error else waits


def _of_proposal(row: Proposal, now: datetime) -> NextStep:
    return waits_for_decision(row, now=now) if row.state == ProposalState.OPEN else decided(row)


def _of_switch(row: Switch, now: datetime) -> NextStep:
    if row.is_open:
        return NextStep(pgettext_lazy("state", "open"), BY_ITSELF, tone="good")
    text = gettext("Nothing is sent until two people resume it: %(why)s") % {"why": row.reason}
    return NextStep(pgettext_lazy("state", "paused"), text, actions=("propose-resume",), tone="bad")


def _of_schedule(row: PeriodicTask, now: datetime) -> NextStep:
    """Return when a periodic task ran last, or that it does not run."""
    if not row.enabled:
        return NextStep(_("off"), _("It does not run until somebody enables it."), tone="bad")
    if row.last_run_at is None:
        return NextStep(_("on"), _("It has not run yet."))
    last = gettext("It last ran on %(at)s; it runs again by itself.") % {"at": instant(row.last_run_at)}
    return NextStep(_("on"), last, tone="good")


def _of_message(row: OutboxMessage, now: datetime) -> NextStep:
    """Return that a message was delivered, or that and why it is sent again."""
    if row.delivered_at is not None:
        return NextStep(_("delivered"), BY_ITSELF, tone="good")
    if not row.last_error:
        return NextStep(_("not delivered yet"), _("It is sent by itself."), until=row.next_try_at)
    text = gettext("The platform has not accepted it (%(error)s). It is sent again by itself.")
    tried = text % {"error": row.last_error}
    return NextStep(_("not delivered yet"), tried, until=row.next_try_at, tone="attention")


def _of_account(row: User, now: datetime) -> None:
    """Return nothing: what was once decided about a person's access does not say where their account stands."""


NEXT_STEPS = {
    "core.proposal": _of_proposal,
    "core.outboxmessage": _of_message,
    "core.switch": _of_switch,
    "core.user": _of_account,
    "django_celery_beat.periodictask": _of_schedule,
}
