"""Limits of outgoing money, what counts against them, and rails that are stopped."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.actions import Action, Button, Card, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.evidence import TypedFigure
from sunusav.backoffice.facts import day, moment, numbered, show_code, show_code_or_text
from sunusav.backoffice.forms import ReasonAndCodeForm, UnusualForm
from sunusav.backoffice.money import show_sats
from sunusav.backoffice.sections import Box, Section
from sunusav.backoffice.timeline import timeline_of
from sunusav.core import clock
from sunusav.core.money import MAX_SATS
from sunusav.core.subjects import key_of
from transfers.admin.evidence import unusual_limit
from transfers.enums import BreakerState, LimitKind
from transfers.models import LimitUsage, PastAdmission, PaymentLimit, PaymentLimitRequest, RailBreaker
from transfers.queries import limits_in_force
from transfers.services.limits import PAYMENT_LIMIT, propose_limit


def _limit_kinds() -> list[tuple[str, str]]:
    return [(kind.value, show_code(kind.value)) for kind in LimitKind]


def _kind_shown(row: PaymentLimit | PaymentLimitRequest | LimitUsage) -> str:
    return show_code(row.kind)


class LimitForm(UnusualForm, ReasonAndCodeForm):
    """A proposed limit: its kind, its amount, and the reason."""

    kind = forms.ChoiceField(label=_("Limit"), choices=_limit_kinds)
    amount_sats = forms.IntegerField(label=_("Amount in sats"), min_value=0, max_value=MAX_SATS)
    field_order = ("kind", "amount_sats", "reason", "code")

    def unusual(self, given: dict[str, Any]) -> TypedFigure | None:
        before = limits_in_force()[given["kind"]]
        return unusual_limit(given["kind"], given["amount_sats"], before_sats=before.amount_sats)


WHAT_LIMITS_MEAN = {
    LimitKind.PER_PAYOUT: _("the most that one payment may send"),
    LimitKind.PER_PAYEE_DAY: _("the most that one payee may get in a day of Dakar"),
    LimitKind.TOTAL_HOUR: _("the most that may leave in any sixty minutes, all payments together"),
    LimitKind.REPLACED_DESTINATION: _(
        "above it, a payment whose destination became another payee's waits 24 hours or for a waiver"
    ),
}


def _propose_limit(decision: Decision) -> None:
    propose_limit(
        kind=decision.form_data["kind"], amount_sats=decision.form_data["amount_sats"], reason=decision.reason,
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
        """Offer no list action: a proposal is about none of the rows."""
        return {}

    def list_buttons(self, request: HttpRequest) -> list[Button]:
        return super().buttons(request, PaymentLimitRequest())

    def buttons(self, request: HttpRequest, row: Any) -> list[Button]:
        return []

    def rows_for(self, request: HttpRequest, keys: Sequence[str]) -> list[Any]:
        return [PaymentLimitRequest()]

    def name_of(self, row: Any) -> str:
        return (
            f"{numbered(row.pk)} {_kind_shown(row)}, {show_sats(row.amount_sats)}"
            if row.pk
            else gettext("Limits in force")
        )

    def card(self, action: Action, row: Any) -> Card:
        facts = [
            (
                _kind_shown(limit),
                f"{show_sats(limit.amount_sats)} – {WHAT_LIMITS_MEAN[LimitKind(limit.kind)]}",
            )
            for limit in limits_in_force().values()
        ]
        return Card(self.key_of(row), self.name_of(row), facts)

    def url_after_action(self, rows: Sequence[Any]) -> str:
        return self.list_url()

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([f"{PAYMENT_LIMIT}:{row.pk}"]),)


@admin.register(PaymentLimit)
class PaymentLimitAdmin(ReadOnlyAdmin):
    """The newest version of each kind is in force."""

    list_display = ("kind", "amount_sats", "is_in_force", "set_shown", "proposer", "approver")
    list_filter = ("kind",)
    list_select_related = ("proposer", "approver")
    fields = (
        "kind",
        "meaning",
        "amount_sats",
        "version",
        "set_shown",
        "proposer",
        "approver",
        "request",
        "proposal",
    )
    fields_hidden_when_empty = ("proposer", "approver", "request", "proposal")
    ordering = ("-version", "id")

    def prepare(self, rows: Sequence[Any]) -> None:
        """Attach to each version whether it is the one in force."""
        in_force = limits_in_force()
        for row in rows:
            row.in_force = in_force[row.kind].pk == row.pk

    @admin.display(description=_("in force"), boolean=True)
    def is_in_force(self, row: PaymentLimit) -> bool:
        return bool(getattr(row, "in_force", False))

    @admin.display(description=_("what it means"))
    def meaning(self, row: PaymentLimit) -> Any:
        return WHAT_LIMITS_MEAN[LimitKind(row.kind)]

    @admin.display(description=_("set at"), ordering="set_at")
    def set_shown(self, row: PaymentLimit) -> Any:
        """Show "from the start" for limits that came with the system: nobody set them."""
        return moment(row.set_at) if row.proposer_id else _("from the start")

    def list_buttons(self, request: HttpRequest) -> list[Button]:
        """Offer the buttons of the requests here too, beside the limits in force."""
        return PaymentLimitRequestAdmin(PaymentLimitRequest, self.admin_site).list_buttons(request)

    def name_of(self, row: Any) -> str:
        return f"{_kind_shown(row)} {row.version}"

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([f"{PAYMENT_LIMIT}:{row.kind}"]),)


@admin.register(LimitUsage)
class LimitUsageAdmin(ReadOnlyAdmin):
    list_display = ("kind", "counted", "used_msat")
    fields = list_display
    list_filter = ("kind",)
    search_fields = ("key",)
    search_help_text = _("The exact key, such as 2026-03-04 user:awa or 2026-03-04T10:05.")
    ordering = ("-kind", "-key")

    def name_of(self, row: Any) -> str:
        return f"{_kind_shown(row)} {_counted(row)}"

    @admin.display(description=_("counted"), ordering="key")
    def counted(self, row: LimitUsage) -> str:
        """Show what is counted; on hover, the key to search for."""
        return format_html('<span title="{}">{}</span>', row.key, _counted(row))


def _counted(row: LimitUsage) -> str:
    """Return the day or the minute that is counted and, of a limit per payee, whose payments."""
    at, _space, payee = row.key.partition(" ")
    when = moment(parse_datetime(at)) if "T" in at else day(at)
    return f"{when} {key_of(payee)}".rstrip()


@admin.register(PastAdmission)
class PastAdmissionAdmin(ReadOnlyAdmin):
    list_display = ("disbursement", "admitted_at", "by_version", "retried_at")
    list_filter = ("admitted_at",)
    list_select_related = ("disbursement",)
    ordering = ("-id",)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.disbursement_id)} {row.by_version or ''}".rstrip()


HOW_RAILS_ARE = {
    BreakerState.CLOSED: pgettext_lazy("rail", "in service"),
    BreakerState.OPEN: pgettext_lazy("rail", "stopped"),
    BreakerState.HALF_OPEN: pgettext_lazy("rail", "one payment is trying it"),
}
STOPPED = _(
    "%(failures)s payments in a row failed on %(rail)s for reasons of its own. Nothing is sent by it, and no payment is"
    " lost: they wait."
)
GOES_ON_BY_ITSELF = _(
    "One payment alone tries it again on %(at)s. When it passes, the others follow by themselves."
)
NEXT_TRIES = _("The next payment alone tries it again. When it passes, the others follow by themselves.")
LOOK_AT_NODE = _(
    "Meanwhile have the operator look at the node or the partner: is it reachable, does it hold enough?"
)
MAY_PAUSE = _("If nothing at all is to leave until that is clear, pause outgoing money.")


@admin.register(RailBreaker)
class RailBreakerAdmin(ReadOnlyAdmin):
    list_display = ("rail_shown", "how_it_is", "failures", "retry_at", "changed_at")
    fields = ("rail", "how_it_is", "failures", "wait_seconds", "retry_at", "probe_id", "changed_at")
    fields_hidden_when_empty = ("retry_at", "probe_id")
    ordering = ("rail",)

    @admin.display(description=_("rail"), ordering="rail")
    def rail_shown(self, row: RailBreaker) -> str:
        return show_code_or_text(row.rail)

    @admin.display(description=_("state"), ordering="state")
    def how_it_is(self, row: RailBreaker) -> Any:
        """Show the effect on payments: a breaker that is open stops them."""
        return HOW_RAILS_ARE[BreakerState(row.state)]

    def box(self, request: HttpRequest, row: Any) -> Box | None:
        if row.state == BreakerState.CLOSED:
            return None
        facts = {"rail": show_code_or_text(row.rail), "failures": row.failures}
        is_time = row.retry_at is None or row.retry_at <= clock.now()
        next_try = NEXT_TRIES if is_time else GOES_ON_BY_ITSELF % {"at": moment(row.retry_at)}
        steps = [next_try, LOOK_AT_NODE, MAY_PAUSE]
        return Box(title=_("This way to pay is stopped"), text=STOPPED % facts, steps=steps, tone="alarm")

    def name_of(self, row: Any) -> str:
        return show_code_or_text(row.rail)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([f"rail:{row.rail}"]),)
