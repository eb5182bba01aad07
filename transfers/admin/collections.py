"""Money in, and the partners it may come through, to read."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from sunusav.desk.admins import ReadOnlyAdmin
from sunusav.desk.columns import offered
from sunusav.desk.money import show_msat
from sunusav.desk.sections import Section, postings_of, trail_of
from transfers.models import Collection, Partner, Receipt

# Offered from settings: to look for the values in use would read the whole table for every page.
METHOD = offered("method", lambda: settings.COLLECTORS)


@admin.register(Collection)
class CollectionAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "subject", "method", "state", "amount_msat", "received_msat", "requested_at", "settled_at",
    )  # fmt: skip
    list_filter = ("state", METHOD, "requested_at")
    search_fields = ("id", "subject", "reference")
    search_help_text = _("The exact number, subject or payment hash.")
    ordering = ("-id",)
    fields = (
        *list_display, "reference", "payment_request", "checkout_url", "expires_at", "ask_at", "memo",
        "credit_role", "credit_owner", "overpaid_role", "overpaid_owner",
    )  # fmt: skip

    def name_of(self, row: Any) -> str:
        return f"#{row.pk} {row.subject}, {show_msat(row.amount_msat)}"

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        receipts = row.receipts.select_related("transaction").prefetch_related(
            "transaction__entries__account"
        )
        booked = [(receipt.received_at, receipt.transaction) for receipt in receipts.order_by("pk")]
        return (postings_of(booked), trail_of([f"collection:{row.pk}"]))


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    list_display = ("id", "collection", "received_msat", "reference", "received_at", "transaction")
    list_filter = ("received_at",)
    list_select_related = ("collection", "transaction")
    search_fields = ("reference",)
    search_help_text = _("The exact payment hash.")
    ordering = ("-id",)

    def name_of(self, row: Any) -> str:
        return f"#{row.pk} {show_msat(row.received_msat)}"


@admin.register(Partner)
class PartnerAdmin(ReadOnlyAdmin):
    list_display = ("code", "name", "countries", "position", "is_enabled")
    ordering = ("position",)
