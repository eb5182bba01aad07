"""The accounts that settlements are paid to: what was proposed, and what is in use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from partners.models import AdoptedSettlementAccount, SettlementAccount
from partners.queries import partners_in_use
from partners.settlements.queries import account_in_use, registered_account
from partners.settlements.services.accounts import SETTLEMENT_ACCOUNT, propose_settlement_account
from sunusav.backoffice.actions import Action, Button, Card, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.facts import numbered, show_code_or_text
from sunusav.backoffice.forms import ReasonAndCodeForm
from sunusav.backoffice.money import NOTHING
from sunusav.backoffice.sections import Section
from sunusav.backoffice.timeline import timeline_of


class AccountForm(ReasonAndCodeForm):
    """The number at a partner that its settlements are paid to."""

    partner = forms.ChoiceField(label=_("Partner"))
    value = forms.CharField(
        label=_("Number of the account"), max_length=40, strip=True,
        help_text=_("The partner's own wallet, as a phone number with its country: +221771234567."),
    )  # fmt: skip
    holder = forms.CharField(
        label=_("Holder"), max_length=120, strip=True, help_text=_("As the partner gave it in writing.")
    )
    field_order = ("partner", "value", "holder", "reason", "code")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(name, show_code_or_text(name)) for name in partners_in_use()]
        self.fields["partner"].choices = names  # type: ignore[attr-defined]


def _propose(decision: Decision) -> None:
    given = decision.form_data
    propose_settlement_account(
        partner=given["partner"], value=given["value"], holder=given["holder"], reason=decision.reason,
        proposer=decision.user, now=decision.now,
    )  # fmt: skip


PROPOSE_ACCOUNT = Action(
    slug="propose",
    label=_("Propose an account"),
    question=_("Settlements are paid to it once another person has approved it."),
    done=_("proposed; another person has to approve"),
    run=_propose,
    permission="partners.propose_settlement_account",
    form=AccountForm,
    tone="good",
)


@admin.register(SettlementAccount)
class SettlementAccountAdmin(ReadOnlyAdmin):
    """A list of what was proposed; the action proposes something new, and is about none of the rows."""

    list_display = ("id", "partner_shown", "account_shown", "holder", "reason", "proposer", "proposed_at")
    fields = list_display
    list_select_related = ("proposer",)
    ordering = ("-id",)
    actions_offered = (PROPOSE_ACCOUNT,)

    @admin.display(description=_("partner"), ordering="partner")
    def partner_shown(self, row: SettlementAccount) -> str:
        return show_code_or_text(row.partner)

    @admin.display(description=_("account"))
    def account_shown(self, row: SettlementAccount) -> str:
        return registered_account(row).masked_value

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

    def name_of(self, row: Any) -> str:
        if not row.pk:
            return gettext("Accounts for settlements in use")
        return f"{numbered(row.pk)} {show_code_or_text(row.partner)}"

    def card(self, action: Action, row: Any) -> Card:
        return Card(
            self.key_of(row), self.name_of(row),
            [(show_code_or_text(name), _shown(account_in_use(name))) for name in partners_in_use()],
        )  # fmt: skip

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([f"{SETTLEMENT_ACCOUNT}:{row.pk}"]),)


@admin.register(AdoptedSettlementAccount)
class AdoptedSettlementAccountAdmin(ReadOnlyAdmin):
    """The last one of a partner is in use."""

    list_display = ("id", "partner_shown", "account_shown", "adopted_at", "proposer", "approver")
    fields = list_display
    list_select_related = ("account", "proposer", "approver")
    ordering = ("-id",)

    @admin.display(description=_("partner"))
    def partner_shown(self, row: AdoptedSettlementAccount) -> str:
        return show_code_or_text(row.account.partner)

    @admin.display(description=_("account"))
    def account_shown(self, row: AdoptedSettlementAccount) -> str:
        return _shown(row.account)

    def name_of(self, row: Any) -> str:
        return f"{self.partner_shown(row)} {self.account_shown(row)}"

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([f"{SETTLEMENT_ACCOUNT}:{row.account_id}"]),)


def _shown(row: SettlementAccount | None) -> str:
    if row is None:
        return NOTHING
    account = registered_account(row)
    return f"{account.masked_value}, {account.holder}"
