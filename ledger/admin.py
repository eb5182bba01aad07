"""The books and the rates in the admin, read-only; a manual rate is proposed to a second person."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ledger import models
from ledger.calculations import MAXIMUM_XOF_PER_BTC, MINIMUM_XOF_PER_BTC
from ledger.evidence import unusual_rate
from ledger.queries import balances_of, current_rate
from ledger.services.rates import MANUAL_RATE, propose_manual_rate
from sunusav.backoffice.actions import Action, Button, Card, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.evidence import TypedFigure
from sunusav.backoffice.facts import moment, mono, numbered, show_code_or_text, value_of
from sunusav.backoffice.forms import ReasonAndCodeForm, UnusualForm
from sunusav.backoffice.money import show_in, show_rate
from sunusav.backoffice.sections import Section, name_of_subject, postings_of, show_subject
from sunusav.backoffice.timeline import timeline_of
from sunusav.core import clock


@admin.register(models.Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("title", "code_shown", "role", "currency", "owner", "amount")
    fields = ("code_shown", "role", "currency", "owner", "amount")
    list_filter = ("role",)
    search_fields = ("code", "owner")
    search_help_text = _("The exact account or owner (such as cycle:demo-cycle).")
    ordering = ("code",)

    def name_of(self, row: Any) -> str:
        return str(value_of("account_code", row.code))

    @admin.display(description=_("account"), ordering="code")
    def title(self, account: Any) -> str:
        return self.name_of(account)

    @admin.display(description=_("code"))
    def code_shown(self, account: Any) -> Any:
        return mono(account.code)

    def prepare(self, rows: Sequence[Any]) -> None:
        """Add up the balances of these rows alone: the query for the keys of a page must not join any tail."""
        found = balances_of([row.pk for row in rows])
        for row in rows:
            row.balance = found[row.pk]

    @admin.display(description=_("balance (debit positive)"))
    def amount(self, account: Any) -> str:
        return show_in(account.currency, account.balance)


@admin.register(models.AccountCheckpoint)
class AccountCheckpointAdmin(ReadOnlyAdmin):
    list_display = ("account", "sum_shown", "sealed_seq", "floor")
    fields = ("account", "sum_shown", "sealed_seq", "floor")
    list_select_related = ("account",)
    search_fields = ("account__code",)
    search_help_text = _("The exact account.")

    @admin.display(description=_("sum of the sealed entries"))
    def sum_shown(self, checkpoint: Any) -> str:
        return show_in(checkpoint.account.currency, checkpoint.amount)


@admin.register(models.AuditRun)
class AuditRunAdmin(ReadOnlyAdmin):
    list_display = (
        "kind",
        "started_at",
        "ended_at",
        "breaches_found",
        "waiting_found",
        "last_transaction_id",
    )
    fields = (*list_display, "checked_since")
    fields_hidden_when_empty = ("checked_since",)
    list_filter = ("kind",)
    ordering = ("-id",)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {moment(row.started_at)}"


@admin.register(models.JournalTransaction)
class JournalTransactionAdmin(ReadOnlyAdmin):
    list_display = ("id", "what", "subject", "reference", "posted_at", "reverses")
    fields = ("what", "subject", "reference", "posted_at", "recorded_at", "reverses")
    list_filter = ("posted_at",)
    search_fields = ("id", "reference", "subject")
    search_help_text = _("The exact number, reference or subject (such as cycle:demo-cycle).")
    list_select_related = ("reverses",)
    ordering = ("-id",)
    links = ("subject",)

    @admin.display(description=_("kind"), ordering="kind")
    def what(self, row: Any) -> str:
        return show_code_or_text(row.kind)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {show_code_or_text(row.kind)} ({name_of_subject(row.subject)})"

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        booked = models.JournalTransaction.objects.prefetch_related("entries__account").get(pk=row.pk)
        return (postings_of([(show_subject(row.subject), booked)]),)


@admin.register(models.JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    list_display = ("id", "transaction", "account", "amount_shown")
    fields = ("transaction", "account", "amount_shown")
    list_select_related = ("transaction", "account")
    search_fields = ("transaction__reference", "account__code")
    search_help_text = _("The exact reference of a transaction, or account.")
    ordering = ("-id",)
    links = ("account", "transaction")

    @admin.display(description=_("amount (debit positive)"))
    def amount_shown(self, entry: Any) -> str:
        return show_in(entry.currency, entry.amount)


@admin.register(models.LedgerSeal)
class LedgerSealAdmin(ReadOnlyAdmin):
    list_display = ("seq", "transaction", "hash_shown", "sealed_at")
    fields = ("seq", "transaction", "hash_shown", "sealed_at")
    search_fields = ("seq",)
    search_help_text = _("The exact number.")
    list_select_related = ("transaction",)
    ordering = ("-seq",)

    @admin.display(description=_("hash"))
    def hash_shown(self, seal: Any) -> Any:
        return mono(seal.hash)


class RateForm(UnusualForm, ReasonAndCodeForm):
    rate_xof_per_btc = forms.DecimalField(
        label=_("Francs per bitcoin"), max_digits=20, decimal_places=8,
        min_value=MINIMUM_XOF_PER_BTC, max_value=MAXIMUM_XOF_PER_BTC,
    )  # fmt: skip
    field_order = ("rate_xof_per_btc", "reason", "code")

    def unusual(self, given: dict[str, Any]) -> TypedFigure | None:
        return unusual_rate(given["rate_xof_per_btc"])


def _propose_rate(decision: Decision) -> None:
    propose_manual_rate(
        rate_xof_per_btc=decision.form_data["rate_xof_per_btc"], reason=decision.reason, proposer=decision.user,
        now=decision.now,
    )  # fmt: skip


PROPOSE_RATE = Action(
    slug="propose",
    label=_("Propose a manual rate"),
    question=_("The rate counts once another person has approved it."),
    done=_("proposed; another person has to approve"),
    run=_propose_rate,
    permission="ledger.propose_manual_rate",
    form=RateForm,
    tone="good",
)


@admin.register(models.ManualRateRequest)
class ManualRateRequestAdmin(ReadOnlyAdmin):
    list_display = ("id", "rate_xof_per_btc", "reason", "requested_by", "requested_at")
    list_select_related = ("requested_by",)
    ordering = ("-id",)
    actions_offered = (PROPOSE_RATE,)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer no action on rows of the list: a proposal makes a new row."""
        return {}

    def list_buttons(self, request: HttpRequest) -> list[Button]:
        return self.buttons(request, None)

    def buttons(self, request: HttpRequest, row: Any) -> list[Button]:
        return super().buttons(request, models.ManualRateRequest()) if row is None else []

    def rows_for(self, request: HttpRequest, keys: Sequence[str]) -> list[Any]:
        return [models.ManualRateRequest()]

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {show_rate(row.rate_xof_per_btc)}" if row.pk else gettext("Manual rate")

    def card(self, action: Action, row: Any) -> Card:
        now = current_rate(clock.now())
        facts = [
            (gettext("Rate now"), show_rate(now.rate_xof_per_btc)),
            (gettext("Source"), show_code_or_text(now.source)),
            (gettext("Observed"), now.observed_at),
        ]
        return Card(self.key_of(row), self.name_of(row), facts)

    def url_after_action(self, rows: Sequence[Any]) -> str:
        return self.list_url()

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([f"{MANUAL_RATE}:{row.pk}"]),)


@admin.register(models.ExchangeRate)
class ExchangeRateAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "rate_xof_per_btc", "source_shown", "observed_at", "is_fallback", "is_quarantined",
        "quarantine_reason",
    )  # fmt: skip
    list_filter = ("is_fallback", "is_quarantined", "observed_at")
    list_select_related = ("request",)
    ordering = ("-id",)
    fields = (
        "rate_xof_per_btc", "source_shown", "observed_at", "recorded_at", "is_fallback", "is_quarantined",
        "quarantine_reason", "request", "components",
    )  # fmt: skip

    @admin.display(description=_("source"))
    def source_shown(self, row: Any) -> str:
        return show_code_or_text(row.source)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {show_rate(row.rate_xof_per_btc)} ({show_code_or_text(row.source)})"

    def list_buttons(self, request: HttpRequest) -> list[Button]:
        """Link finance to the page where a manual rate is proposed."""
        if not request.user.has_perm(str(PROPOSE_RATE.permission)):
            return []
        url = reverse("admin:ledger_manualraterequest_action", args=[PROPOSE_RATE.slug])
        return [Button(PROPOSE_RATE.label, url, PROPOSE_RATE.tone)]

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([f"rate:{row.pk}"]),)


@admin.register(models.CurrencyConversion)
class CurrencyConversionAdmin(ReadOnlyAdmin):
    list_display = ("reference", "kind", "amount_msat", "amount_xof", "rate", "converted_at")
    list_filter = ("kind", "converted_at")
    search_fields = ("reference",)
    search_help_text = _("The exact reference.")
    list_select_related = ("rate",)
    ordering = ("-id",)
