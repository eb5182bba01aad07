"""What two people decided about settlements, and what the bank paid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from partners.models import ApprovedSettlement, SettlementBankPayment
from partners.settlements.queries import subject_of
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.facts import numbered
from sunusav.backoffice.money import show_xof
from sunusav.backoffice.sections import Section, show_subject
from sunusav.backoffice.timeline import timeline_of


class _OfASettlement(ReadOnlyAdmin):
    list_select_related: ClassVar[Any] = ("settlement",)
    ordering = ("-id",)

    @admin.display(description=_("settlement"))
    def settlement_shown(self, row: Any) -> Any:
        return show_subject(subject_of(row.settlement_id))

    @admin.display(description=_("due"))
    def due_shown(self, row: Any) -> str:
        return show_xof(row.settlement.due_xof)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {show_xof(row.settlement.due_xof)}"

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([subject_of(row.settlement_id)]),)


@admin.register(ApprovedSettlement)
class ApprovedSettlementAdmin(_OfASettlement):
    """The last one of a settlement holds."""

    list_display = ("id", "settlement_shown", "due_shown", "approved_at", "proposer", "approver")
    fields = list_display
    list_select_related = ("settlement", "proposer", "approver")


@admin.register(SettlementBankPayment)
class SettlementBankPaymentAdmin(_OfASettlement):
    list_display = ("id", "settlement_shown", "due_shown", "reference", "paid_on", "recorder", "recorded_at")
    fields = (*list_display, "explanation", "transaction")
    list_select_related = ("settlement", "recorder")
    search_fields = ("reference",)
    search_help_text = _("The exact reference of the bank.")
