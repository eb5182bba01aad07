"""Registers the models of core (which must not import this layer) and, by its imports, those of packages."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from sunusav.backoffice import (  # noqa: F401  (importing them registers what they have)
    approval_rules,
    export_pages,
    people,
    proposals,
    resets,
    resume_evidence,
    schedules,
    sessions,
    tokens,
)
from sunusav.backoffice.actions import Action, Button, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.backoffice import MAY_LEAVE
from sunusav.backoffice.core_items import component_label
from sunusav.backoffice.facts import mono, numbered, show_code_or_text
from sunusav.backoffice.forms import ReasonAndCodeForm, ReasonForm
from sunusav.backoffice.money import NOTHING
from sunusav.backoffice.sections import Box, Section, name_of_subject
from sunusav.backoffice.timeline import event_of, timeline_of
from sunusav.core import clock, phrasing
from sunusav.core.approvables import OUTGOING_RESUME
from sunusav.core.approvals import propose
from sunusav.core.models import OutboxMessage, Reading, Switch, TrailEntry, TrailSeal, User
from sunusav.core.readings import HEALTH
from sunusav.core.switches import OUTGOING, outgoing, pause_outgoing, sends_that_may_leave


def _pause(decision: Decision) -> None:
    pause_outgoing(actor=decision.actor, reason=decision.reason, now=decision.now)


def _paused(decision: Decision) -> str:
    """Say how many sends the pause came too late for."""
    count = sends_that_may_leave(decision.now)
    return f"{PAUSE.done}. {MAY_LEAVE % {'count': count}}" if count else str(PAUSE.done)


def _propose_resume(decision: Decision) -> None:
    propose(
        kind=OUTGOING_RESUME,
        subject_id=OUTGOING,
        proposer=decision.user,
        now=decision.now,
        reason=decision.reason,
    )


def _is_open(user: User, switch: Any) -> bool:
    return bool(switch.is_open)


def _is_paused(user: User, switch: Any) -> bool:
    return not switch.is_open


PAUSE = Action(
    slug="pause",
    label=_("Pause outgoing money"),
    question=_(
        "No payment is sent from now on. Payments that are already under way are still tracked until they end."
    ),
    done=_("outgoing money is paused"),
    done_now=_paused,
    run=_pause,
    permission="core.pause_outgoing",
    form=ReasonForm,
    is_offered=_is_open,
    tone="bad",
)
PROPOSE_RESUME = Action(
    slug="propose-resume",
    label=_("Propose to resume"),
    question=_("Money can leave again once another person has approved."),
    done=_("proposed; another person has to approve"),
    run=_propose_resume,
    permission="core.propose_resume_outgoing",
    form=ReasonAndCodeForm,
    is_offered=_is_paused,
    tone="good",
)


@admin.register(Switch)
class SwitchAdmin(ReadOnlyAdmin):
    list_display = ("title", "position", "reason", "changed_by", "changed_at")
    fields = ("title", "position", "reason", "changed_by", "changed_at")
    actions_offered = (PAUSE, PROPOSE_RESUME)

    @admin.display(description=_("name"))
    def title(self, switch: Switch) -> str:
        return phrasing.code_label(switch.name)

    @admin.display(description=_("position"))
    def position(self, switch: Switch) -> Any:
        return pgettext("state", "open") if switch.is_open else pgettext("state", "paused")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer nothing in the list's menu: there is one switch, and its buttons are above the list."""
        return {}

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        state = pgettext("state", "open") if outgoing().is_open else pgettext("state", "paused")
        title = {"title": _("Outgoing money: %(state)s") % {"state": state}}
        return super().changelist_view(request, {**title, **(extra_context or {})})

    def box(self, request: HttpRequest, row: Any) -> Box | None:
        """Show, shortly after a pause, how many sends may still leave."""
        count = 0 if row.is_open else sends_that_may_leave(clock.now())
        return Box(title=_("Just paused"), text=MAY_LEAVE % {"count": count}) if count else None

    def rows_for(self, request: HttpRequest, keys: Sequence[str]) -> list[Any]:
        return [outgoing()]

    def list_buttons(self, request: HttpRequest) -> list[Button]:
        return self.buttons(request, outgoing())

    def url_after_action(self, rows: Sequence[Any]) -> str:
        return reverse("admin:index")

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([f"switch:{row.pk}", f"{OUTGOING_RESUME}:{row.pk}"]),)


@admin.register(TrailEntry)
class TrailEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "subject", "happened", "from_state", "to_state", "actor_label", "reason_shown")
    list_filter = ("at",)
    search_fields = ("subject", "actor__username")
    search_help_text = _("The exact subject (such as cycle:demo-cycle) or the person's login.")
    list_select_related = ("actor",)
    ordering = ("-id",)
    fields = (*list_display, "actor", "facts")

    @admin.display(description=_("what"))
    def happened(self, entry: TrailEntry) -> str:
        return event_of(entry)

    @admin.display(description=_("reason"))
    def reason_shown(self, entry: TrailEntry) -> str:
        """Show the label of a code that the system gave as its reason, and what a person wrote unchanged."""
        return (entry.reason or NOTHING) if entry.actor_id else show_code_or_text(entry.reason)


@admin.register(TrailSeal)
class TrailSealAdmin(ReadOnlyAdmin):
    list_display = ("seq", "entry", "hash_shown", "sealed_at")
    fields = ("seq", "entry", "hash_shown", "sealed_at")
    search_fields = ("seq",)
    search_help_text = _("The exact number.")
    list_select_related = ("entry",)
    ordering = ("-seq",)

    @admin.display(description=_("hash"))
    def hash_shown(self, seal: TrailSeal) -> Any:
        return mono(seal.hash)


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at", "reports", "subject", "tries", "delivered_at", "next_try_at", "last_error",
    )  # fmt: skip
    fields = (*list_display, "topic", "payload")
    list_filter = ("delivered_at",)
    search_fields = ("subject",)
    search_help_text = _("The exact subject.")
    ordering = ("-id",)
    links = ("delivered_at",)

    @admin.display(description=_("what it reports"))
    def reports(self, row: OutboxMessage) -> str:
        return phrasing.topic_label(row.topic)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {phrasing.topic_label(row.topic)} ({name_of_subject(row.subject)})"


@admin.register(Reading)
class ReadingAdmin(ReadOnlyAdmin):
    """The health of each component as a worker last read it; its facts are at `/monetization/health`."""

    list_display = ("component", "status", "read_at")
    fields = ("component", "status", "read_at")
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(name__startswith=HEALTH)

    def name_of(self, row: Any) -> str:
        return component_label(row.name)

    @admin.display(description=_("component"), ordering="name")
    def component(self, row: Any) -> str:
        return component_label(row.name)

    @admin.display(description=_("state"))
    def status(self, row: Any) -> str:
        return phrasing.code_label(row.facts["status"], of="health")
