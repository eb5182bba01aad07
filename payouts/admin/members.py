"""Members, with their credit and what happened to them."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ledger.types import Movement
from payouts.models import Member
from payouts.queries.groups import masked_name, masked_phone
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.facts import instant, show_code_or_text
from sunusav.backoffice.money import show_msat
from sunusav.backoffice.sections import Facts, Section, Table, link_to_page, show_subject, trail_of
from transfers.credit_queries import credit_movements, credit_msat
from transfers.types import member_ref

MOVEMENTS_SHOWN = 50


@admin.register(Member)
class MemberAdmin(ReadOnlyAdmin):
    list_display = ("user_id", "group", "name_masked", "phone_masked", "added_at")
    fields = list_display
    list_select_related = ("group",)
    search_fields = ("user_id", "group__id")
    search_help_text = _("The exact identifier of the member or of the group.")
    ordering = ("group_id", "user_id")
    links = ("group",)

    @admin.display(description=_("name"))
    def name_masked(self, member: Member) -> str:
        return masked_name(member)

    @admin.display(description=_("phone"))
    def phone_masked(self, member: Member) -> str:
        return masked_phone(member)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (*_credit_of(row), trail_of([member_ref(row.user_id)]))


def _credit_of(row: Member) -> Sequence[Section]:
    movements = credit_movements(row.user_id, before_id=None, limit=MOVEMENTS_SHOWN)
    held = Facts(_("Credit"), ((_("Held"), show_msat(credit_msat(row.user_id))),))
    listed = Table(
        title=_("Last movements of the credit"),
        heads=(_("when"), _("what"), _("for"), _("amount"), _("transaction")),
        rows=[_movement_row(movement) for movement in movements],
        empty=_("This member never had credit."),
    )
    return (held, listed)


def _movement_row(movement: Movement) -> Sequence[Any]:
    link = link_to_page("ledger.journaltransaction", movement.transaction_id, f"#{movement.transaction_id}")
    what = show_code_or_text(movement.kind)
    return (instant(movement.at), what, show_subject(movement.subject), show_msat(-movement.amount), link)
