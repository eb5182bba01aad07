"""The fee room in the admin: to read; only drafts of schedules are written here, by finance."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from fees import models, services
from fees.enums import DraftState
from sunusav.core import clock
from sunusav.core.actors import Actor
from sunusav.core.errors import DomainError
from sunusav.core.models import User


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """A list and a page per row, without a button that writes."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class BracketInline(admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    model = models.FeeBracket
    fields = ("from_sats", "base_rate_ppm")
    ordering = ("position",)
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(models.FeeSchedule)
class FeeScheduleAdmin(ReadOnlyAdmin):
    list_display = ("version", "effective_at", "published_at", "proposer", "publisher")
    list_select_related = ("proposer", "publisher")
    inlines = [BracketInline]


@admin.register(models.DiscountGrant)
class DiscountGrantAdmin(ReadOnlyAdmin):
    list_display = ("holder", "kind", "discount_bps", "starts_at", "ends_at", "closed_at", "granted_for")
    list_filter = ("kind",)
    search_fields = ("=holder",)


@admin.register(models.FeeAssessment)
class FeeAssessmentAdmin(ReadOnlyAdmin):
    list_display = ("subject", "payout_sats", "fee_sats", "net_sats", "schedule", "fixed_at")
    list_select_related = ("schedule",)
    search_fields = ("=subject",)


@admin.register(models.FeeRecord)
class FeeRecordAdmin(ReadOnlyAdmin):
    list_display = (
        "disbursement_ref", "subject", "payout_sats", "fee_sats", "platform_sats", "community_sats",
        "partner_sats", "settlement_partner", "completed_at", "is_reversal",
    )  # fmt: skip
    list_filter = ("settlement_partner", "is_reversal")
    search_fields = ("=disbursement_ref", "=subject")


class BracketDraftInline(admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    model = models.FeeBracketDraft
    fields = ("from_sats", "base_rate_ppm")
    ordering = ("from_sats",)
    extra = 1


@admin.register(models.FeeScheduleDraft)
class FeeScheduleDraftAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Finance edits a draft and proposes it; an approver publishes it on the approval's page."""

    list_display = ("id", "state", "effective_at", "note", "author", "created_at")
    list_filter = ("state",)
    list_select_related = ("author",)
    readonly_fields = ("state", "author", "created_at")
    inlines = [BracketDraftInline]
    actions = ["propose", "discard"]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        is_open = not isinstance(obj, models.FeeScheduleDraft) or obj.state == DraftState.DRAFT
        return is_open and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_propose_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("fees.propose_fee_schedule"))

    def save_model(
        self,
        request: HttpRequest,
        obj: Any,
        form: Any,
        change: bool,  # noqa: FBT001  (Django's signature)
    ) -> None:
        if not change:
            obj.author, obj.created_at = request.user, clock.now()
        super().save_model(request, obj, form, change)

    @admin.action(description="Propose for publication", permissions=["propose"])
    def propose(self, request: HttpRequest, queryset: QuerySet[models.FeeScheduleDraft]) -> None:
        for draft in queryset:
            self._told(request, draft, "proposed", _propose)

    @admin.action(description="Discard", permissions=["change"])
    def discard(self, request: HttpRequest, queryset: QuerySet[models.FeeScheduleDraft]) -> None:
        for draft in queryset:
            self._told(request, draft, "discarded", _discard)

    def _told(self, request: HttpRequest, draft: models.FeeScheduleDraft, done: str, act: Any) -> None:
        try:
            act(draft, request.user)
        except DomainError as refusal:
            self.message_user(request, f"{draft}: {refusal}", messages.ERROR)
        else:
            self.message_user(request, f"{draft}: {done}", messages.SUCCESS)


def _propose(draft: models.FeeScheduleDraft, user: User) -> None:
    services.propose_schedule(draft_id=draft.pk, proposer=user, now=clock.now(), reason=draft.note)


def _discard(draft: models.FeeScheduleDraft, user: User) -> None:
    services.discard_draft(draft_id=draft.pk, actor=Actor.of(user), reason=draft.note, now=clock.now())
