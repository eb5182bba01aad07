"""Uses of members' credit."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.facts import numbered
from sunusav.backoffice.money import show_msat
from sunusav.backoffice.sections import Section, name_of_subject, postings_of
from sunusav.backoffice.timeline import timeline_of
from transfers.models import CreditUse


@admin.register(CreditUse)
class CreditUseAdmin(ReadOnlyAdmin):
    list_display = ("id", "owner", "subject", "amount_msat", "used_at", "returned_at")
    fields = (
        "owner", "subject", "amount_msat", "into_role", "into_owner", "used_at", "transaction", "returned_at",
        "return_transaction",
    )  # fmt: skip
    fields_hidden_when_empty = ("returned_at", "return_transaction")
    list_filter = ("used_at",)
    search_fields = ("id", "subject")
    search_help_text = _("The exact number or subject.")
    ordering = ("-id",)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {name_of_subject(row.subject)}, {show_msat(row.amount_msat)}"

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        stored = CreditUse.objects.select_related("transaction", "return_transaction")
        stored = stored.prefetch_related(
            "transaction__entries__account", "return_transaction__entries__account"
        )
        booked = stored.get(pk=row.pk)
        moved = [(booked.used_at, booked.transaction), (booked.returned_at, booked.return_transaction)]
        return (postings_of(moved), timeline_of([f"credit_use:{row.pk}"]))
