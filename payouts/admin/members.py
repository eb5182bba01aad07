"""Members, with their credit and what happened to them."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from ledger.types import Movement
from payouts.admin.credits import credits_read, credits_table
from payouts.admin.destinations import kinds, rails
from payouts.admin.people import PROPOSE_CREDIT_TRANSFER, PROPOSE_ERASURE, outstanding_of
from payouts.admin.reveals import REVEAL
from payouts.admin.rights import EXPORT, PROPOSE_CORRECTION
from payouts.enums import MEMBER_CORRECTION, MEMBER_ERASURE
from payouts.models import Member
from payouts.queries.groups import masked
from payouts.queries.people import memberships
from payouts.services.proposals import propose_refund
from sunusav.backoffice.actions import Action, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.facts import instant, numbered, show_code_or_text
from sunusav.backoffice.forbidden import PermissionMissing
from sunusav.backoffice.forms import ReasonAndCodeForm
from sunusav.backoffice.money import show_msat
from sunusav.backoffice.sections import Facts, Section, Table, link_to_page, show_subject
from sunusav.backoffice.timeline import timeline_of
from sunusav.core.models import User
from sunusav.core.money import MSAT_PER_SAT
from transfers.credit_queries import credit_movements, credits_msat
from transfers.types import Destination, member_ref

MOVEMENTS_SHOWN = 50


class RefundForm(ReasonAndCodeForm):
    amount_sats = forms.IntegerField(label=_("Amount in sats"), min_value=1)
    rail = forms.ChoiceField(label=_("Rail"), choices=rails)
    kind = forms.ChoiceField(label=_("Kind of destination"), choices=kinds)
    value = forms.CharField(
        label=_("Destination"), max_length=4_000, strip=True,
        help_text=_("An invoice for exactly this amount, an address, or a phone such as +221771234567."),
    )  # fmt: skip
    field_order = ("amount_sats", "rail", "kind", "value", "reason", "code")


def _propose_refund(decision: Decision) -> None:
    form = decision.form_data
    propose_refund(
        user_id=decision.row.user_id, amount_sats=form["amount_sats"],
        destination=Destination(form["rail"], form["kind"], form["value"]), reason=decision.reason,
        proposer=decision.user, now=decision.now,
    )  # fmt: skip


def _has_credit(user: User, row: Any) -> bool:
    return bool(row.credit_msat >= MSAT_PER_SAT)


PROPOSE_REFUND = Action(
    slug="propose-refund",
    label=_("Propose a refund"),
    question=_(
        "Once another person has approved, this much of the member's credit is paid out, without a fee."
    ),
    done=_("proposed; another person has to approve"),
    run=_propose_refund,
    permission="payouts.propose_refund",
    form=RefundForm,
    is_offered=_has_credit,
)


@admin.register(Member)
class MemberAdmin(ReadOnlyAdmin):
    list_display = ("user_id", "group", "name_masked", "phone_masked", "added_at", "left_at")
    fields = (*list_display, "phone_replaced_at")
    fields_hidden_when_empty = ("left_at", "phone_replaced_at")
    list_select_related = ("group",)
    search_fields = ("user_id", "group__id")
    search_help_text = _("The exact identifier of the member or of the group.")
    ordering = ("group_id", "user_id")
    links = ("group",)
    actions_offered = (
        REVEAL, PROPOSE_REFUND, PROPOSE_CREDIT_TRANSFER, EXPORT, PROPOSE_CORRECTION, PROPOSE_ERASURE,
    )  # fmt: skip
    card_fields = ("user_id", "group", "name_masked", "phone_masked")

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.credit_view)
        return [path("credit/", page, name="payouts_member_credit"), *super().get_urls()]

    def credit_view(self, request: HttpRequest) -> HttpResponse:
        """Show what is left of all members' credit, by age."""
        if not self.has_view_permission(request):
            raise PermissionMissing(["payouts.view_member"])
        found = credits_read(request.GET.get("page", ""))
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": _("Credit by age"),
            "about": found.about, "page": found.page, "sections": [credits_table(found.page)],
        }  # fmt: skip
        return TemplateResponse(request, "admin/backoffice/page.html", context)

    def prepare(self, rows: Sequence[Any]) -> None:
        credits_held = credits_msat(row.user_id for row in rows)
        for row, shown in zip(rows, masked(rows), strict=True):
            row.shown, row.credit_msat = shown, credits_held[row.user_id]

    @admin.display(description=_("name"))
    def name_masked(self, member: Any) -> str:
        return str(member.shown.name)

    @admin.display(description=_("phone"))
    def phone_masked(self, member: Any) -> str:
        return str(member.shown.phone)

    def name_of(self, row: Any) -> str:
        return f"{row.user_id} ({row.group_id})"

    def proposal_key(self, row: Any) -> str:
        """Return the first membership of the person: what is proposed about people is about all their memberships."""
        return str(memberships(row.user_id)[0].pk)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        first = self.proposal_key(row)
        proposals = (f"{kind}:{first}" for kind in (MEMBER_CORRECTION, MEMBER_ERASURE))
        of_person = timeline_of([member_ref(row.user_id), *proposals])
        return (outstanding_of(row.user_id), *_credit_of(row), of_person)


def _credit_of(row: Any) -> Sequence[Section]:
    movements = credit_movements(row.user_id, before_id=None, limit=MOVEMENTS_SHOWN)
    held = Facts(_("Credit"), ((_("Held"), show_msat(row.credit_msat)),))
    listed = Table(
        title=_("Last movements of the credit"),
        heads=(_("when"), _("what"), _("for"), _("amount"), _("transaction")),
        rows=[_movement_row(movement) for movement in movements],
        empty=_("This member never had credit."),
    )
    return (held, listed)


def _movement_row(movement: Movement) -> Sequence[Any]:
    link = link_to_page(
        "ledger.journaltransaction", movement.transaction_id, numbered(movement.transaction_id)
    )
    what = show_code_or_text(movement.kind)
    return (instant(movement.at), what, show_subject(movement.subject), show_msat(-movement.amount), link)
