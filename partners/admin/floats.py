"""The minimum of our money at each partner: what was proposed, and what is in force."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from partners.models import AdoptedFloatMinimum, FloatMinimum
from partners.phrases import days_phrase
from partners.queries import minimum_in_force
from partners.services.floats import FLOAT_MINIMUM, MAX_DAYS, MAX_XOF, propose_float_minimum
from partners.types import FloatMinimumFacts
from sunusav.backoffice.actions import Action, Button, Card, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.facts import numbered, show_code_or_text
from sunusav.backoffice.forms import ReasonAndCodeForm
from sunusav.backoffice.money import show_xof
from sunusav.backoffice.sections import Section
from sunusav.backoffice.timeline import timeline_of

PROPOSE = "partners.propose_float_minimum"


class FloatMinimumForm(ReasonAndCodeForm):
    """When people are alerted that our money at a partner is running low."""

    partner = forms.ChoiceField(label=_("Partner"))
    minimum_xof = forms.IntegerField(
        label=_("Alert below, in francs"), min_value=0, max_value=MAX_XOF, help_text=_("0: no such alert.")
    )
    minimum_days = forms.IntegerField(
        label=_("Alert below, in days of cover"), min_value=0, max_value=MAX_DAYS,
        help_text=_("Days that it lasts at the average outflow of the last seven days. 0: no such alert."),
    )  # fmt: skip
    field_order = ("partner", "minimum_xof", "minimum_days", "reason", "code")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(name, show_code_or_text(name)) for name in settings.PARTNER_PACKAGES]
        self.fields["partner"].choices = names  # type: ignore[attr-defined]


def _propose(decision: Decision) -> None:
    given = decision.form_data
    propose_float_minimum(
        partner=given["partner"], minimum=FloatMinimumFacts(given["minimum_xof"], given["minimum_days"]),
        reason=decision.reason, proposer=decision.user, now=decision.now,
    )  # fmt: skip


PROPOSE_MINIMUM = Action(
    slug="propose",
    label=_("Propose a minimum float"),
    question=_("People are alerted by it once another person has approved it. No payment depends on it."),
    done=_("proposed; another person has to approve"),
    run=_propose,
    permission=PROPOSE,
    form=FloatMinimumForm,
    tone="good",
)


@admin.register(FloatMinimum)
class FloatMinimumAdmin(ReadOnlyAdmin):
    """A list of what was proposed; the action proposes something new, and is about none of the rows."""

    list_display = ("id", "partner_shown", "minimum_xof", "minimum_days", "reason", "proposer", "proposed_at")
    fields = list_display
    list_select_related = ("proposer",)
    ordering = ("-id",)
    actions_offered = (PROPOSE_MINIMUM,)

    @admin.display(description=_("partner"), ordering="partner")
    def partner_shown(self, row: FloatMinimum) -> str:
        return show_code_or_text(row.partner)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer no list action: a proposal is about none of the rows."""
        return {}

    def list_buttons(self, request: HttpRequest) -> list[Button]:
        return super().buttons(request, self.model())

    def buttons(self, request: HttpRequest, row: Any) -> list[Button]:
        return []

    def rows_for(self, request: HttpRequest, keys: Sequence[str]) -> list[Any]:
        return [self.model()]

    def url_after_action(self, rows: Sequence[Any]) -> str:
        return self.list_url()

    def name_of(self, row: Any) -> str:
        return (
            f"{numbered(row.pk)} {show_code_or_text(row.partner)}"
            if row.pk
            else gettext("Minimum floats in force")
        )

    def card(self, action: Action, row: Any) -> Card:
        facts = [
            (show_code_or_text(name), _shown(minimum_in_force(name))) for name in settings.PARTNER_PACKAGES
        ]
        return Card(self.key_of(row), self.name_of(row), facts)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([f"{FLOAT_MINIMUM}:{row.pk}"]),)


@admin.register(AdoptedFloatMinimum)
class AdoptedFloatMinimumAdmin(ReadOnlyAdmin):
    """The last one of a partner is in force."""

    list_display = ("partner_shown", "minimum_shown", "adopted_at", "proposer", "approver")
    fields = list_display
    list_select_related = ("minimum", "proposer", "approver")
    ordering = ("-id",)

    @admin.display(description=_("partner"))
    def partner_shown(self, row: AdoptedFloatMinimum) -> str:
        return show_code_or_text(row.minimum.partner)

    @admin.display(description=_("minimum float"))
    def minimum_shown(self, row: AdoptedFloatMinimum) -> str:
        return _shown(FloatMinimumFacts(row.minimum.minimum_xof, row.minimum.minimum_days))

    def name_of(self, row: Any) -> str:
        return f"{self.partner_shown(row)} {self.minimum_shown(row)}"

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([f"{FLOAT_MINIMUM}:{row.minimum_id}"]),)


def _shown(minimum: FloatMinimumFacts) -> str:
    return f"{show_xof(minimum.minimum_xof)}, {days_phrase(minimum.minimum_days)}"
