"""Fees in the admin, read-only; finance edits drafts of schedules here."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from fees import models, services
from fees.enums import DraftState
from fees.evidence import unusual_schedule
from sunusav.backoffice.actions import Action, Decision
from sunusav.backoffice.admins import BackofficeAdmin, ReadOnlyAdmin, ReadOnlyInline, TabularInline
from sunusav.backoffice.columns import choice_filter
from sunusav.backoffice.facts import numbered
from sunusav.backoffice.filters import FewRows
from sunusav.backoffice.forms import ConfirmForm, ReasonAndCodeForm, ReasonForm, with_typed_figure
from sunusav.backoffice.money import show_sats
from sunusav.backoffice.percent import field_with_unit
from sunusav.backoffice.sections import Section, name_of_subject
from sunusav.backoffice.timeline import timeline_of
from sunusav.core import clock
from sunusav.core.models import User

RULES = (
    "minimum_fee_sats", "maximum_fee_sats", "verified_discount_bps", "recurring_discount_bps",
    "platform_share_bps", "community_share_bps", "override_cap_ppm",
)  # fmt: skip


class BracketInline(ReadOnlyInline):
    model = models.FeeBracket
    fields = ("from_sats", "base_rate_ppm")
    ordering = ("position",)


@admin.register(models.FeeSchedule)
class FeeScheduleAdmin(ReadOnlyAdmin):
    list_display = ("version", "effective_at", "published_at", "proposer", "publisher")
    list_select_related = ("proposer", "publisher")
    fields = ("version", "effective_at", "published_at", "proposer", "publisher", "draft", "proposal", *RULES)
    ordering = ("-version",)
    inlines = [BracketInline]

    def name_of(self, row: Any) -> str:
        return gettext("version %(number)s") % {"number": row.version}


@admin.register(models.DiscountGrant)
class DiscountGrantAdmin(ReadOnlyAdmin):
    list_display = ("holder", "kind", "discount_bps", "starts_at", "ends_at", "closed_at")
    fields = (*list_display, "granted_for", "granted_at")
    fields_hidden_when_empty = ("ends_at", "closed_at")
    list_filter = ("kind", "starts_at")
    search_fields = ("holder",)
    search_help_text = _("The exact holder, such as group:demo-group.")
    ordering = ("-id",)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {name_of_subject(row.holder)}"

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([f"discount:{row.holder}"]),)


@admin.register(models.FeeAssessment)
class FeeAssessmentAdmin(ReadOnlyAdmin):
    list_display = ("subject", "payout_sats", "fee_sats", "net_sats", "schedule", "fixed_at")
    list_select_related = ("schedule",)
    search_fields = ("subject",)
    search_help_text = _("The exact subject, such as cycle:demo-cycle.")
    ordering = ("-id",)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {name_of_subject(row.subject)}, {show_sats(row.fee_sats)}"


# From settings: reading the values in use would scan the whole table for every page.
PARTNER = choice_filter(
    "settlement_partner", lambda: settings.PARTNER_PACKAGES, heading=_("settlement partner")
)


class IsReversal(FewRows):
    """Keep the records that reverse another one."""

    title = _("is reversal")
    parameter_name = "reversals"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes"))]

    def found(self, request: HttpRequest, value: str) -> QuerySet[Any]:
        return models.FeeRecord.objects.filter(reverses__isnull=False)


@admin.register(models.FeeRecord)
class FeeRecordAdmin(ReadOnlyAdmin):
    list_display = (
        "disbursement_ref", "subject", "payout_sats", "fee_sats", "platform_sats", "community_sats",
        "partner_sats", "settlement_partner", "completed_at", "is_reversal",
    )  # fmt: skip
    list_filter = (PARTNER, "completed_at", IsReversal)
    search_fields = ("disbursement_ref", "assessment__subject")
    search_help_text = _("The exact disbursement or subject, such as cycle:demo-cycle.")
    ordering = ("-id",)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {name_of_subject(row.subject)}, {show_sats(row.fee_sats)}"

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([row.subject]),)


class BracketDraftInline(TabularInline):
    hide_title = True
    model = models.FeeBracketDraft
    fields = ("from_sats", "base_rate_ppm")
    ordering = ("from_sats",)
    extra = 1

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        formfield = partial(super().formfield_for_dbfield, request=request)
        return field_with_unit(db_field, formfield, **kwargs)


def _propose(decision: Decision) -> None:
    services.propose_schedule(
        draft_id=decision.row.pk, proposer=decision.user, now=decision.now, reason=decision.reason
    )


def _discard(decision: Decision) -> None:
    services.discard_draft(
        draft_id=decision.row.pk, actor=decision.actor, reason=decision.reason, now=decision.now
    )


def _is_draft(user: User, row: models.FeeScheduleDraft) -> bool:
    return row.state == DraftState.DRAFT


def _propose_form(draft: models.FeeScheduleDraft) -> type[ConfirmForm]:
    return with_typed_figure(ReasonAndCodeForm, unusual_schedule(draft))


def _is_unusual(draft: models.FeeScheduleDraft) -> bool:
    return unusual_schedule(draft) is not None


PROPOSE = Action(
    slug="propose",
    label=_("Propose for publication"),
    question=_(
        "Another person publishes the draft exactly as it stands here; a later edit voids the proposal."
    ),
    done=_("proposed; another person has to approve"),
    run=_propose,
    permission="fees.propose_fee_schedule",
    form_for=_propose_form,
    is_confirmed_alone=_is_unusual,
    is_offered=_is_draft,
    proposes=services.FEE_SCHEDULE,
    tone="good",
)
DISCARD = Action(
    slug="discard",
    label=_("Discard"),
    question=_("The draft is discarded for good."),
    done=_("discarded"),
    run=_discard,
    permission="fees.change_feescheduledraft",
    form=ReasonForm,
    is_offered=_is_draft,
    tone="bad",
)


@admin.register(models.FeeScheduleDraft)
class FeeScheduleDraftAdmin(BackofficeAdmin):
    """Finance edits a draft and proposes it; an approver publishes it on the proposal's page."""

    list_display = ("id", "state", "effective_at", "note", "author", "created_at")
    list_filter = ("state",)
    list_select_related = ("author",)
    fields = ("state", "effective_at", "note", *RULES, "author", "created_at")
    card_fields = ("effective_at", "note", *RULES)
    readonly_fields = ("state", "author", "created_at")
    ordering = ("-id",)
    inlines = [BracketDraftInline]
    actions_offered = (PROPOSE, DISCARD)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {row.note}"

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        formfield = partial(super().formfield_for_dbfield, request=request)
        return field_with_unit(db_field, formfield, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        is_open = not isinstance(obj, models.FeeScheduleDraft) or obj.state == DraftState.DRAFT
        return is_open and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """Save only the fields that the form changed: only services change the state."""
        if change:
            _require_still_draft(obj)
            obj.save(update_fields=[name for name in form.changed_data if name in form.fields])
        else:
            obj.author, obj.created_at = request.user, clock.now()
            obj.save()

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([f"{services.FEE_SCHEDULE}:{row.pk}"]),)


def _require_still_draft(draft: models.FeeScheduleDraft) -> None:
    """Lock the row, and refuse if it was published or discarded since the form was opened."""
    if models.FeeScheduleDraft.objects.select_for_update().get(pk=draft.pk).state != DraftState.DRAFT:
        raise PermissionDenied
