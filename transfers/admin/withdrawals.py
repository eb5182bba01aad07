"""Withdrawal links, read-only."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.facts import numbered, show_code
from sunusav.backoffice.money import NOTHING, show_msat
from sunusav.backoffice.refusals import show_reason
from sunusav.backoffice.sections import Section, name_of_subject
from sunusav.backoffice.timeline import timeline_of
from transfers.destination_queries import masked_destinations
from transfers.models import WithdrawalLink


@admin.register(WithdrawalLink)
class WithdrawalLinkAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "subject",
        "state",
        "amount_msat",
        "opened_at",
        "expires_at",
        "redeemed_at",
        "failure",
    )
    fields = (
        "subject", "state", "amount_msat", "rail", "opened_by", "opened_at", "expires_at", "redeemed_at",
        "destination_kind", "destination_masked", "take_at", "disbursement", "failure_code",
        "why",
    )  # fmt: skip
    fields_hidden_when_empty = (
        "redeemed_at", "destination_kind", "destination_masked", "take_at", "disbursement", "failure_code",
    )  # fmt: skip
    list_filter = ("state", "opened_at")
    search_fields = ("id", "subject")
    search_help_text = _("The exact number or subject (such as cycle:demo-cycle).")
    ordering = ("-id",)

    def prepare(self, rows: Sequence[Any]) -> None:
        redeemed = [row for row in rows if row.destination is not None]
        masked = masked_destinations([row.destination for row in redeemed])
        shown = {row.pk: one.masked_value for row, one in zip(redeemed, masked, strict=True)}
        for row in rows:
            row.destination_masked = shown.get(row.pk, "")

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {name_of_subject(row.subject)}, {show_msat(row.amount_msat)}"

    def masked_person(self, row: Any) -> str:
        return str(row.person_ref)

    @admin.display(description=_("destination"))
    def destination_masked(self, row: Any) -> str:
        return str(row.destination_masked)

    @admin.display(description=_("failure"))
    def failure(self, row: WithdrawalLink) -> str:
        return show_code(row.failure_code)

    @admin.display(description=_("why"))
    def why(self, row: WithdrawalLink) -> str:
        return show_reason(row.failure_code, row.failure_facts) or NOTHING

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([f"withdrawal:{row.pk}"]),)
