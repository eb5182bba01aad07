"""The books in the admin: to read, by no means to write."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from ledger import models


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """A list and a page per row, without a button that writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class EntryInline(admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    model = models.JournalEntry
    fields = ("account", "currency", "amount")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(models.Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("code", "role", "currency", "owner", "amount")
    list_filter = ("role", "currency")
    search_fields = ("code",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return models.Account.objects.with_balance()

    @admin.display(description="balance (debit positive)")
    def amount(self, account: Any) -> str:
        return f"{account.balance} {account.currency}"


@admin.register(models.JournalTransaction)
class JournalTransactionAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "subject", "reference", "posted_at", "reverses")
    list_filter = ("kind",)
    search_fields = ("=reference", "=subject")
    list_select_related = ("reverses",)
    show_full_result_count = False
    inlines = [EntryInline]


@admin.register(models.LedgerSeal)
class LedgerSealAdmin(ReadOnlyAdmin):
    list_display = ("seq", "transaction", "hash", "sealed_at")
    list_select_related = ("transaction",)
    show_full_result_count = False


@admin.register(models.ExchangeRate)
class ExchangeRateAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "rate_xof_per_btc", "source", "observed_at", "is_fallback", "is_quarantined",
        "quarantine_reason",
    )  # fmt: skip
    list_filter = ("source", "is_fallback", "is_quarantined")


@admin.register(models.ManualRateRequest)
class ManualRateRequestAdmin(ReadOnlyAdmin):
    list_display = ("id", "rate_xof_per_btc", "reason", "requested_by", "requested_at")
    list_select_related = ("requested_by",)


@admin.register(models.CurrencyConversion)
class CurrencyConversionAdmin(ReadOnlyAdmin):
    list_display = ("reference", "kind", "amount_sats", "amount_xof", "rate", "converted_at")
    list_filter = ("kind",)
    search_fields = ("=reference",)
    list_select_related = ("rate",)
