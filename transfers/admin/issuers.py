"""Who issues receipts, and the tax rate on them: what was proposed, and what is in force."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.actions import Action, Button, Card, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.facts import moment, numbered
from sunusav.backoffice.forms import ReasonAndCodeForm
from sunusav.backoffice.money import NOTHING, show_bps
from sunusav.backoffice.sections import Section
from sunusav.backoffice.timeline import timeline_of
from sunusav.core import clock
from transfers.document_queries import issuer_in_force, tax_rate_in_force
from transfers.models import AdoptedIssuer, AdoptedTaxRate, Issuer, TaxRate
from transfers.services.issuers import RECEIPT_ISSUER, RECEIPT_TAX_RATE, propose_issuer, propose_tax_rate
from transfers.types import IssuerFacts

PROPOSE = "transfers.propose_receipt_terms"
BPS_PER_CENT = 100
FROM_APPROVAL = _("Empty: from the moment of the approval on. Receipts that were issued do not change.")


class TermsForm(ReasonAndCodeForm):
    """From when a change applies, and the reason."""

    effective_at = forms.DateTimeField(
        label=_("Applies from"), required=False, help_text=FROM_APPROVAL,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )  # fmt: skip


class IssuerForm(TermsForm):
    """Who issues receipts, by law."""

    legal_name = forms.CharField(label=_("Legal name"), max_length=200)
    address = forms.CharField(label=_("Address"), max_length=300, widget=forms.Textarea(attrs={"rows": 3}))
    ninea = forms.CharField(label=_("NINEA"), max_length=30)
    field_order = ("legal_name", "address", "ninea", "effective_at", "reason", "code")


class TaxRateForm(TermsForm):
    """The rate of the tax that fees contain."""

    percent = forms.DecimalField(
        label=_("Rate in per cent"), min_value=0, max_value=99, max_digits=4, decimal_places=2,
        help_text=_("It is contained in the fee, not added to it. Have a tax adviser confirm it first."),
    )  # fmt: skip
    field_order = ("percent", "effective_at", "reason", "code")


def _propose_issuer(decision: Decision) -> None:
    given = decision.form_data
    propose_issuer(
        issuer=IssuerFacts(given["legal_name"], given["address"], given["ninea"]), effective_at=given["effective_at"],
        reason=decision.reason, proposer=decision.user, now=decision.now,
    )  # fmt: skip


def _propose_tax_rate(decision: Decision) -> None:
    given = decision.form_data
    propose_tax_rate(
        rate_bps=int(given["percent"] * BPS_PER_CENT), effective_at=given["effective_at"], reason=decision.reason,
        proposer=decision.user, now=decision.now,
    )  # fmt: skip


PROPOSE_ISSUER = Action(
    slug="propose",
    label=_("Propose an issuer"),
    question=_("Receipts are issued under it once another person has approved it."),
    done=_("proposed; another person has to approve"),
    run=_propose_issuer,
    permission=PROPOSE,
    form=IssuerForm,
    tone="good",
)
PROPOSE_TAX_RATE = Action(
    slug="propose",
    label=_("Propose a tax rate"),
    question=_("The rate is on receipts once another person has approved it."),
    done=_("proposed; another person has to approve"),
    run=_propose_tax_rate,
    permission=PROPOSE,
    form=TaxRateForm,
    tone="good",
)


class ProposedTermsAdmin(ReadOnlyAdmin):
    """A list of what was proposed; the action proposes something new, and is about none of the rows."""

    kind: str
    list_select_related = ("proposer",)
    ordering = ("-id",)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer no list action: a proposal is about none of the rows."""
        return {}

    def list_buttons(self, request: HttpRequest) -> list[Button]:
        return super().buttons(request, self.model())

    def buttons(self, request: HttpRequest, row: Any) -> list[Button]:
        return []

    def rows_for(self, request: HttpRequest, keys: Sequence[str]) -> list[Any]:
        return [self.model()]

    def url_after_action(self, rows: Sequence[Any]) -> str:
        return self.list_url()

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([f"{self.kind}:{row.pk}"]),)


@admin.register(Issuer)
class IssuerAdmin(ProposedTermsAdmin):
    kind = RECEIPT_ISSUER
    list_display = ("id", "legal_name", "ninea", "effective_at", "reason", "proposer", "proposed_at")
    actions_offered = (PROPOSE_ISSUER,)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {row.legal_name}" if row.pk else gettext("Issuer in force")

    def card(self, action: Action, row: Any) -> Card:
        found = issuer_in_force(clock.now())
        facts = [(found.issuer.legal_name, found.issuer.address)] if found else [(gettext("None"), NOTHING)]
        return Card(self.key_of(row), self.name_of(row), facts)


@admin.register(TaxRate)
class TaxRateAdmin(ProposedTermsAdmin):
    kind = RECEIPT_TAX_RATE
    list_display = ("id", "rate_bps", "effective_at", "reason", "proposer", "proposed_at")
    actions_offered = (PROPOSE_TAX_RATE,)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {show_bps(row.rate_bps)}" if row.pk else gettext("Tax rate in force")

    def card(self, action: Action, row: Any) -> Card:
        found = tax_rate_in_force(clock.now())
        since = moment(found.effective_at) if found else gettext("from the start")
        facts = [(show_bps(found.tax_rate.rate_bps if found else 0), since)]
        return Card(self.key_of(row), self.name_of(row), facts)


@admin.register(AdoptedIssuer)
class AdoptedIssuerAdmin(ReadOnlyAdmin):
    """The last one that is effective is on new receipts."""

    list_display = ("issuer", "effective_at", "is_in_force", "proposer", "approver")
    list_select_related = ("issuer", "proposer", "approver")
    ordering = ("-effective_at", "-id")

    @admin.display(description=_("in force"), boolean=True)
    def is_in_force(self, row: AdoptedIssuer) -> bool:
        return bool(getattr(row, "in_force", False))

    def prepare(self, rows: Sequence[Any]) -> None:
        found = issuer_in_force(clock.now())
        for row in rows:
            row.in_force = found is not None and found.pk == row.pk

    def name_of(self, row: Any) -> str:
        return str(row.issuer)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([f"{RECEIPT_ISSUER}:{row.issuer_id}"]),)


@admin.register(AdoptedTaxRate)
class AdoptedTaxRateAdmin(ReadOnlyAdmin):
    """The last one that is effective is on new receipts; before the first the rate is 0."""

    list_display = ("rate_shown", "effective_at", "is_in_force", "proposer", "approver")
    list_select_related = ("tax_rate", "proposer", "approver")
    ordering = ("-effective_at", "-id")

    @admin.display(description=_("tax rate"))
    def rate_shown(self, row: AdoptedTaxRate) -> str:
        return show_bps(row.tax_rate.rate_bps)

    @admin.display(description=_("in force"), boolean=True)
    def is_in_force(self, row: AdoptedTaxRate) -> bool:
        return bool(getattr(row, "in_force", False))

    def prepare(self, rows: Sequence[Any]) -> None:
        found = tax_rate_in_force(clock.now())
        for row in rows:
            row.in_force = found is not None and found.pk == row.pk

    def name_of(self, row: Any) -> str:
        return show_bps(row.tax_rate.rate_bps)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([f"{RECEIPT_TAX_RATE}:{row.tax_rate_id}"]),)
