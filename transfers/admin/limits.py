"""Limits of outgoing money, what counts against them, and rails that are stopped."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sunusav.core.money import MAX_SATS
from sunusav.desk.actions import Action, Button, Card, Decision
from sunusav.desk.admins import ReadOnlyAdmin
from sunusav.desk.forms import ReasonAndCodeForm
from sunusav.desk.money import show_sats
from sunusav.desk.sections import Section, trail_of
from transfers.enums import LimitKind
from transfers.models import LimitUsage, PaymentLimit, PaymentLimitRequest, RailBreaker
from transfers.queries import limits_in_force
from transfers.services.limits import PAYMENT_LIMIT, propose_limit


def _limit_kinds() -> list[tuple[str, str]]:
    return [(kind.value, gettext(str(kind.label))) for kind in LimitKind]


def _kind_shown(row: PaymentLimit | PaymentLimitRequest | LimitUsage) -> str:
    return gettext(row.get_kind_display())


class LimitForm(ReasonAndCodeForm):
    """Asks which limit, how much, and why."""

    kind = forms.ChoiceField(label=_("Limit"), choices=_limit_kinds)
    amount_sats = forms.IntegerField(label=_("Amount in sats"), min_value=0, max_value=MAX_SATS)
    field_order = ("kind", "amount_sats", "reason", "code")


def _propose_limit(decision: Decision) -> None:
    propose_limit(
        kind=decision.given["kind"], amount_sats=decision.given["amount_sats"], reason=decision.reason,
        proposer=decision.user, now=decision.now,
    )  # fmt: skip


PROPOSE_LIMIT = Action(
    slug="propose",
    label=_("Propose a limit"),
    question=_("The limit counts once another person has approved it."),
    done=_("proposed; another person has to approve"),
    run=_propose_limit,
    permission="transfers.propose_payment_limit",
    form=LimitForm,
    tone="good",
)


@admin.register(PaymentLimitRequest)
class PaymentLimitRequestAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "amount_sats", "reason", "requested_by", "requested_at")
    list_filter = ("kind",)
    list_select_related = ("requested_by",)
    ordering = ("-id",)
    actions_offered = (PROPOSE_LIMIT,)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer nothing in the list's menu: a proposal is about no row of it."""
        return {}

    def list_buttons(self, request: HttpRequest) -> list[Button]:
        return super().buttons(request, PaymentLimitRequest())

    def buttons(self, request: HttpRequest, row: Any) -> list[Button]:
        return []

    def rows_for(self, request: HttpRequest, keys: Sequence[str]) -> list[Any]:
        return [PaymentLimitRequest()]

    def name_of(self, row: Any) -> str:
        return f"#{row.pk} {_kind_shown(row)}, {show_sats(row.amount_sats)}" if row.pk else gettext("Limit")

    def card(self, action: Action, row: Any) -> Card:
        facts = [(_kind_shown(limit), show_sats(limit.amount_sats)) for limit in limits_in_force().values()]
        return Card(self.key_of(row), self.name_of(row), facts)

    def home_of(self, rows: Sequence[Any]) -> str:
        return self.list_url()

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (trail_of([f"{PAYMENT_LIMIT}:{row.pk}"]),)


@admin.register(PaymentLimit)
class PaymentLimitAdmin(ReadOnlyAdmin):
    """The newest version of each kind is in force."""

    list_display = ("kind", "version", "amount_sats", "set_at", "proposer", "approver")
    list_filter = ("kind",)
    list_select_related = ("proposer", "approver")
    fields = ("kind", "version", "amount_sats", "set_at", "proposer", "approver", "request", "proposal")
    ordering = ("-id",)

    def name_of(self, row: Any) -> str:
        return f"{_kind_shown(row)} {row.version}"

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (trail_of([f"{PAYMENT_LIMIT}:{row.kind}"]),)


@admin.register(LimitUsage)
class LimitUsageAdmin(ReadOnlyAdmin):
    list_display = ("kind", "key", "used_msat")
    list_filter = ("kind",)
    search_fields = ("key",)
    search_help_text = _("The exact key, such as 2026-03-04 user:awa or 2026-03-04T10:05.")
    ordering = ("-key",)

    def name_of(self, row: Any) -> str:
        return f"{_kind_shown(row)} {row.key}"


@admin.register(RailBreaker)
class RailBreakerAdmin(ReadOnlyAdmin):
    list_display = ("rail", "state", "failures", "retry_at", "changed_at")
    fields = ("rail", "state", "failures", "wait_seconds", "retry_at", "probe_id", "changed_at")
    ordering = ("rail",)

    def name_of(self, row: Any) -> str:
        return str(row.rail)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (trail_of([f"rail:{row.rail}"]),)
