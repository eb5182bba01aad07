"""Switches of providers: switch one off at once, or propose to switch it on, with what waits for that."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from sunusav.backoffice.actions import Action, Button, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.backoffice import MAY_LEAVE
from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.evidence import IF_APPROVED, Evidence
from sunusav.backoffice.facts import moment, show_actor, show_code_or_text
from sunusav.backoffice.forms import ReasonAndCodeForm, ReasonForm
from sunusav.backoffice.money import NOTHING, show_in
from sunusav.backoffice.refusals import show_reason
from sunusav.backoffice.sections import Box, Section
from sunusav.backoffice.timeline import timeline_of
from sunusav.core import clock
from sunusav.core.approvals import open_proposal, propose
from sunusav.core.models import Proposal, User
from sunusav.core.phrasing import labelled
from transfers.enums import PROVIDER_SWITCH_ON
from transfers.models import ProviderSwitch
from transfers.queries import sends_that_may_leave
from transfers.services.switches import providers, subject_of_provider, switch_of, switch_off
from transfers.treasury import waiting_for_rails
from transfers.types import WaitingForRail

ON, OFF = _("in use"), _("switched off")
IS_OFF = _(
    "Nothing new is sent or requested by %(provider)s. What is under way is still asked about, and what arrives is"
    " still booked. %(why)s"
)
TWO_PEOPLE = _("Once the cause is removed, propose to switch it on; another person has to approve.")
CHECK_CREDENTIALS = _(
    "Have the operator correct the credentials first: a wrong PIN can block the wallet for good."
)
CREDENTIALS_WERE_REFUSED = _(
    "The provider refused our credentials: have the operator confirm that they were corrected."
)
GO_AT_ONCE = _("%(provider)s is used again: what waits for it goes at once (%(waiting)s).")
NOTHING_WAITS = _("nothing waits")


def what_waits(waiting: WaitingForRail | None) -> Any:
    """Return how many payments wait for a rail, and their sum."""
    if waiting is None:
        return NOTHING_WAITS
    facts = {"count": waiting.count, "total": show_in(waiting.total.currency, waiting.total.amount)}
    return ngettext("%(count)s payment, %(total)s", "%(count)s payments, %(total)s", waiting.count) % facts


def why_off(row: ProviderSwitch) -> str:
    """Return why a provider was switched off: what the engine found, and what people wrote."""
    return " ".join(text for text in (show_reason(row.code, row.facts), row.reason) if text)


def _switch_off(decision: Decision) -> None:
    switch_off(provider=decision.row.provider, actor=decision.actor, reason=decision.reason, now=decision.now)


def _switched_off(decision: Decision) -> str:
    """Say how many sends the switch came too late for."""
    count = sends_that_may_leave(decision.now, rails=[decision.row.provider])
    return f"{SWITCH_OFF.done}. {MAY_LEAVE % {'count': count}}" if count else str(SWITCH_OFF.done)


def _propose_switch_on(decision: Decision) -> None:
    propose(
        kind=PROVIDER_SWITCH_ON, subject_id=decision.row.provider, proposer=decision.user, now=decision.now,
        reason=decision.reason,
    )  # fmt: skip


def _is_on(user: User, row: Any) -> bool:
    return bool(row.is_on)


def _may_be_switched_on(user: User, row: Any) -> bool:
    return not row.is_on and open_proposal(PROVIDER_SWITCH_ON, row.provider) is None


SWITCH_OFF = Action(
    slug="switch-off",
    label=_("Switch off"),
    question=_(
        "From now on nothing new is sent or requested by this provider. What is under way is still asked about."
        " Two people switch it on again."
    ),
    done=_("switched off"),
    done_now=_switched_off,
    run=_switch_off,
    permission="transfers.switch_off_provider",
    form=ReasonForm,
    is_offered=_is_on,
    tone="bad",
)
PROPOSE_SWITCH_ON = Action(
    slug="propose-switch-on",
    label=_("Propose to switch on"),
    question=_(
        "The provider is used again once another person has approved; what waits for it goes at once."
    ),
    done=_("proposed; another person has to approve"),
    run=_propose_switch_on,
    permission="transfers.propose_provider_switch_on",
    form=ReasonAndCodeForm,
    is_offered=_may_be_switched_on,
    tone="good",
)


@admin.register(ProviderSwitch)
class ProviderSwitchAdmin(ReadOnlyAdmin):
    """The providers that were ever switched off; the buttons above the list are about those that are on."""

    list_display = ("provider_shown", "position", "why", "changed_by_shown", "changed_at", "waiting_shown")
    fields = list_display
    ordering = ("provider",)
    actions_offered = (SWITCH_OFF, PROPOSE_SWITCH_ON)

    def prepare(self, rows: Sequence[Any]) -> None:
        waiting = waiting_for_rails()
        for row in rows:
            row.waiting = waiting.get(row.provider)

    @admin.display(description=_("provider"), ordering="provider")
    def provider_shown(self, row: ProviderSwitch) -> str:
        return show_code_or_text(row.provider)

    @admin.display(description=_("state"), ordering="is_on")
    def position(self, row: ProviderSwitch) -> Any:
        return ON if row.is_on else OFF

    @admin.display(description=_("reason"))
    def why(self, row: ProviderSwitch) -> str:
        return why_off(row) or NOTHING

    @admin.display(description=_("changed by"))
    def changed_by_shown(self, row: ProviderSwitch) -> Any:
        return show_actor(row.changed_by) if row.changed_by else NOTHING

    @admin.display(description=_("waits for it"))
    def waiting_shown(self, row: Any) -> Any:
        return what_waits(row.waiting)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer nothing in the list's menu: each provider is switched on its own."""
        return {}

    def list_buttons(self, request: HttpRequest) -> list[Button]:
        """Offer to switch off each provider that is on, also one without a row."""
        rows = [row for row in map(switch_of, providers()) if row.is_on]
        return [
            replace(button, label=labelled(button.label, self.name_of(row)))
            for row in rows
            for button in self.buttons(request, row)
        ]

    def rows_for(self, request: HttpRequest, keys: Sequence[str]) -> list[Any]:
        return [switch_of(name) for name in providers() if name in keys]

    def name_of(self, row: Any) -> str:
        return show_code_or_text(row.provider)

    def box(self, request: HttpRequest, row: Any) -> Box | None:
        if row.is_on:
            return None
        says = IS_OFF % {"provider": self.name_of(row), "why": why_off(row)}
        steps = [CHECK_CREDENTIALS, TWO_PEOPLE] if row.code else [TWO_PEOPLE]
        leaving = sends_that_may_leave(clock.now(), rails=[row.provider])
        note = MAY_LEAVE % {"count": leaving} if leaving else ""
        return Box(title=_("This provider is switched off"), text=says, steps=steps, note=note, tone="alarm")

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([subject_of_provider(row.provider), f"{PROVIDER_SWITCH_ON}:{row.provider}"]),)


@evidence_for(PROVIDER_SWITCH_ON)
def switch_on_evidence(proposal: Proposal) -> Evidence:
    """Show what goes at once when a provider is switched on, and why and for how long it was off."""
    row, waiting = switch_of(proposal.subject_id), waiting_for_rails().get(proposal.subject_id)
    name, waits, now = show_code_or_text(row.provider), what_waits(waiting), clock.now()
    effect: list[tuple[Any, Any]] = [
        (_("Goes at once"), waits),
        (_("Switched off for"), timesince(row.changed_at or now, now, depth=1)),
        (_("Switched off"), moment(row.changed_at)),
        (_("Switched off by"), show_actor(row.changed_by)),
        (_("Why it was switched off"), why_off(row) or NOTHING),
    ]
    if waiting is not None:
        effect.insert(
            1, (_("The largest of them"), show_in(waiting.largest.currency, waiting.largest.amount))
        )
    return Evidence(
        Box(IF_APPROVED, GO_AT_ONCE % {"provider": name, "waiting": waits}),
        [(name, OFF, ON)],
        effect,
        warnings=[CREDENTIALS_WERE_REFUSED] if row.code else [],
    )
