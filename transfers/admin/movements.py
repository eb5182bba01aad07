"""Movements of the treasury: finance proposes one with its evidence, an approver has it booked."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import prefetch_related_objects
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.timezone import localdate
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ledger.enums import KIND_OF_ROLE, AccountKind, Currency
from ledger.queries import balances
from ledger.types import AccountRef, Line, Money
from sunusav.backoffice.actions import Action, Button, Card, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.columns import badge
from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.evidence import IF_APPROVED, Evidence, TypedFigure
from sunusav.backoffice.facts import instant, numbered, show_code
from sunusav.backoffice.forms import ReasonAndCodeForm, UnusualForm
from sunusav.backoffice.money import NOTHING, show_in
from sunusav.backoffice.refusals import show_refusal
from sunusav.backoffice.sections import Box, Facts, Section, Table, link_to, postings_of
from sunusav.backoffice.timeline import timeline_of
from sunusav.core import clock
from sunusav.core.calendar import DAKAR
from sunusav.core.errors import DomainError
from sunusav.core.models import Proposal, ProposalState
from sunusav.core.money import MAX_SATS, MSAT_PER_SAT
from transfers.account_names import account_name
from transfers.admin.evidence import amounts_of, typed_money, warned
from transfers.enums import TreasuryKind
from transfers.models import BookedMovement, RailLiquidity, TreasuryMovement
from transfers.models.treasury import REFERENCE_LENGTH
from transfers.services.treasury import (
    TREASURY_MOVEMENT,
    movement_of,
    propose_movement,
    require_proposable,
    subject_of,
)
from transfers.treasury import last_look_at, treasury_accounts
from transfers.treasury_booking import movement_lines, other_account
from transfers.types import Movement, MovementEvidence

DECIMALS = 3
MOST_DIGITS = 20
FIRST_CHARACTERS, LAST_CHARACTERS = 12, 8


# Proposing


def _kinds() -> list[tuple[str, str]]:
    return [(kind.value, show_code(kind.value)) for kind in TreasuryKind]


def _accounts() -> list[tuple[str, str]]:
    return [(code, f"{account_name(ref)}, {_unit(ref)}") for code, ref in treasury_accounts().items()]


def _unit(account: AccountRef) -> str:
    return gettext("in sats") if account.currency is Currency.MSAT else gettext("in francs")


class MovementForm(UnusualForm, ReasonAndCodeForm):
    """A proposed movement of the treasury: what happened to which account, and the evidence."""

    kind = forms.ChoiceField(label=_("What happened"), choices=_kinds)
    account = forms.ChoiceField(label=_("Account"), choices=_accounts)
    amount = forms.DecimalField(
        label=_("Amount"), min_value=0, max_value=MAX_SATS, max_digits=MOST_DIGITS, decimal_places=DECIMALS,
        help_text=_("The change of the account's balance: in sats with up to three decimals, or in whole francs."),
    )  # fmt: skip
    cost = forms.DecimalField(
        label=_("Cost"), min_value=0, max_value=MAX_SATS, max_digits=MOST_DIGITS, decimal_places=DECIMALS,
        required=False,
        help_text=_(
            "On-chain fee or charge, in the unit of the account: the other account pays it, or receives that much less."
        ),
    )  # fmt: skip
    exchanged_xof = forms.IntegerField(
        label=_("Francs paid or received"), min_value=1, max_value=MAX_SATS, required=False,
        help_text=_("For a purchase or sale of bitcoin only: what the bank paid or received."),
    )  # fmt: skip
    happened_on = forms.DateField(
        label=_("Happened on"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    reference = forms.CharField(
        label=_("Reference"), max_length=REFERENCE_LENGTH, strip=True,
        help_text=_(
            "The transaction's id with its output, or the bank's or partner's reference. Each is booked once."
        ),
    )  # fmt: skip
    field_order = (
        "kind",
        "account",
        "amount",
        "cost",
        "exchanged_xof",
        "happened_on",
        "reference",
        "reason",
        "code",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].label = _("Explanation")
        self.fields["happened_on"].initial = localdate(clock.now(), DAKAR)

    def clean(self) -> dict[str, Any]:
        """Check the movement before the code, which is accepted only once."""
        if not self.errors:
            self._check()
        return super().clean()

    def unusual(self, given: dict[str, Any]) -> TypedFigure | None:
        """Ask again for an amount above what one payment may send."""
        movement: Movement = given["movement"]
        return typed_money(Money(movement.amount, movement.account.currency))

    def _check(self) -> None:
        given = self.cleaned_data
        account = treasury_accounts()[given["account"]]
        amounts = {name: _in_its_unit(given[name], account) for name in ("amount", "cost")}
        for name, amount in amounts.items():
            if amount is None:
                self.add_error(name, _("Francs have no decimals."))
        if self.errors:
            return
        movement = Movement(
            TreasuryKind(given["kind"]), account, amounts["amount"] or 0, cost=amounts["cost"] or 0,
            exchanged_xof=given["exchanged_xof"],
        )  # fmt: skip
        evidence = MovementEvidence(given["happened_on"], given["reference"], given["reason"])
        try:
            require_proposable(movement, evidence, now=clock.now())
        except DomainError as refusal:
            self.add_error(None, show_refusal(refusal).text)
        given |= {"movement": movement, "evidence": evidence}


def _in_its_unit(entered: Decimal | None, account: AccountRef) -> int | None:
    """Return an amount entered in sats or francs in the unit of the books; None if that is no whole number."""
    scaled = (entered or Decimal(0)) * (MSAT_PER_SAT if account.currency is Currency.MSAT else 1)
    return int(scaled) if scaled == int(scaled) else None


def _propose(decision: Decision) -> None:
    propose_movement(
        movement=decision.form_data["movement"], evidence=decision.form_data["evidence"],
        proposer=decision.user, now=decision.now,
    )  # fmt: skip


PROPOSE_MOVEMENT = Action(
    slug="propose",
    label=_("Propose a movement"),
    question=_("It is booked once another person has approved it. It sends nothing."),
    done=_("proposed; another person has to approve"),
    run=_propose,
    permission="transfers.propose_treasury_movement",
    form=MovementForm,
    tone="good",
    prefilled=("kind", "account"),
)


# What is shown of movements


@admin.register(TreasuryMovement)
class TreasuryMovementAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "kind", "account_shown", "change_shown", "happened_on", "reference_shown", "state_shown",
    )  # fmt: skip
    list_filter = ("kind", "happened_on")
    search_fields = ("reference",)
    search_help_text = _("The exact reference.")
    fields = (
        "kind", "account_shown", "change_shown", "cost_shown", "exchanged_xof", "other_shown", "happened_on",
        "reference", "explanation", "proposer", "proposed_at", "balances", "state_shown", "approver_shown",
    )  # fmt: skip
    fields_hidden_when_empty = ("exchanged_xof",)
    ordering = ("-id",)
    actions_offered = (PROPOSE_MOVEMENT,)

    def prepare(self, rows: Sequence[Any]) -> None:
        """Attach to each movement its proposal, and its booking if there is one."""
        keys = [row.pk for row in rows]
        proposals = Proposal.objects.filter(kind=TREASURY_MOVEMENT, subject_id__in=[str(key) for key in keys])
        by_subject = {proposal.subject_id: proposal for proposal in proposals.order_by("pk")}
        booked = BookedMovement.objects.filter(movement__in=keys).select_related("approver")
        by_movement = {one.movement_id: one for one in booked}
        for row in rows:
            row.proposal = by_subject.get(str(row.pk))
            row.booking = by_movement.get(row.pk)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer no list action: a proposal is about none of the rows."""
        return {}

    def list_buttons(self, request: HttpRequest) -> list[Button]:
        return super().buttons(request, TreasuryMovement())

    def buttons(self, request: HttpRequest, row: Any) -> list[Button]:
        return []

    def rows_for(self, request: HttpRequest, keys: Sequence[str]) -> list[Any]:
        return [TreasuryMovement()]

    def url_after_action(self, rows: Sequence[Any]) -> str:
        return self.list_url()

    @admin.display(description=_("account"))
    def account_shown(self, row: TreasuryMovement) -> str:
        return account_name(row.account)

    @admin.display(description=_("other account"))
    def other_shown(self, row: TreasuryMovement) -> str:
        return account_name(other_account(row.value))

    @admin.display(description=_("change"))
    def change_shown(self, row: TreasuryMovement) -> str:
        return show_change(row.account, row.value.change)

    @admin.display(description=_("cost"))
    def cost_shown(self, row: TreasuryMovement) -> str:
        return show_in(row.account_currency, row.cost)

    @admin.display(description=_("reference"), ordering="reference")
    def reference_shown(self, row: TreasuryMovement) -> Any:
        """Show a long reference by its two ends, all of it on hover."""
        text = row.reference
        if len(text) <= FIRST_CHARACTERS + LAST_CHARACTERS:
            return text
        ends = f"{text[:FIRST_CHARACTERS]}…{text[-LAST_CHARACTERS:]}"
        return format_html('<span title="{}">{}</span>', text, ends)

    @admin.display(description=_("state"))
    def state_shown(self, row: Any) -> Any:
        """Show the state of its proposal with a link; of one that was approved, that it is booked."""
        if row.booking:
            return badge("booked", show_code("booked"))
        if row.proposal is None:
            return NOTHING
        return link_to(row.proposal, badge(row.proposal.state, show_code(row.proposal.state)))

    @admin.display(description=_("approver"))
    def approver_shown(self, row: Any) -> str:
        return row.booking.approver.get_username() if row.booking else NOTHING

    def name_of(self, row: Any) -> str:
        if not row.pk:
            return gettext("Accounts of the treasury")
        return f"{numbered(row.pk)} {show_code(row.kind)}, {show_change(row.account, row.value.change)}"

    def card(self, action: Action, row: Any) -> Card:
        accounts = treasury_accounts().values()
        booked = balances(accounts)
        facts = [(account_name(ref), _as_known(ref, booked[ref])) for ref in accounts]
        return Card(self.key_of(row), self.name_of(row), facts)

    def box(self, request: HttpRequest, row: Any) -> Box | None:
        if row.proposal is None or row.proposal.state != ProposalState.OPEN:
            return None
        waits = format_html("{} {}", WAITS_FOR_APPROVAL, link_to(row.proposal, numbered(row.proposal.pk)))
        return Box(title=_("This movement is not booked"), text=waits, tone="calm")

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        prefetch_related_objects([row.booking] if row.booking else [], "transaction__entries__account")
        booked = row.booking and row.booking.transaction
        return (postings_of([(show_code(row.kind), booked)]), timeline_of([subject_of(row.pk)]))


WAITS_FOR_APPROVAL = _("A second person decides on it:")
KNOWN = _("%(booked)s in the books, %(provider)s at the provider on %(at)s")


def _as_known(account: AccountRef, booked: int) -> str:
    """Show what the books have, and what the provider reported where it does."""
    look, shown = last_look_at(account), show_in(account.currency, booked)
    if look is None or look.provider_amount is None:
        return shown
    provider = show_in(account.currency, look.provider_amount)
    return str(KNOWN % {"booked": shown, "provider": provider, "at": instant(look.balance_at)})


def show_change(account: AccountRef, change: int) -> str:
    """Show the change of a balance with its sign."""
    shown = show_in(account.currency, change)
    return f"+{shown}" if change > 0 else shown


# What an approver reads


BOOKED_FOLLOWS = _("In the books: %(changes)s. Nothing is sent.")
FARTHER_APART = _("Afterwards the books differ more from what the provider reported than they do now.")
CHECK_EVIDENCE = _("Look the reference up yourself, at the node, the partner or the bank.")


@evidence_for(TREASURY_MOVEMENT)
def movement_evidence(proposal: Proposal) -> Evidence:
    """Show what a movement books, the balances before and after, and what the provider reported."""
    row = movement_of(proposal.subject_id)
    lines = movement_lines(row.value)
    ours = [line for line in lines if KIND_OF_ROLE[line.account.role] is AccountKind.ASSET]
    look = last_look_at(row.account)
    is_farther = look is not None and _is_farther(look, row.value.change)
    typed = typed_money(Money(row.amount, row.account.currency))
    return Evidence(
        Box(
            IF_APPROVED, BOOKED_FOLLOWS % {"changes": ", ".join(map(_change, ours))}, steps=[CHECK_EVIDENCE],
            tone="alarm" if is_farther else "attention",
        ),
        _balances_of(ours),
        [*amounts_of(Money(row.amount, row.account.currency)), (_("Cost"), show_in(row.account_currency, row.cost))],
        figures=(*([_provider(look, row.value.change)] if look else []), _lines(lines)),
        warnings=[*warned(typed), *([FARTHER_APART] if is_farther else [])],
        typed=typed,
    )  # fmt: skip


def _change(line: Line) -> str:
    return f"{account_name(line.account)} {show_change(line.account, line.amount)}"


def _is_farther(look: RailLiquidity, change: int) -> bool:
    before = look.difference_amount or 0
    return abs(before - change) > abs(before)


def _balances_of(lines: Sequence[Line]) -> list[tuple[Any, ...]]:
    """Return what each account of ours has in the books now, and would have."""
    now = balances([line.account for line in lines])
    return [
        (
            account_name(line.account), show_in(line.account.currency, now[line.account]),
            show_in(line.account.currency, now[line.account] + line.amount),
        )
        for line in lines
    ]  # fmt: skip


def _provider(look: RailLiquidity, change: int) -> Facts:
    currency, difference = look.currency, look.difference_amount or 0
    facts = (
        (_("Provider reported"), show_in(currency, look.provider_amount or 0)),
        (_("Asked at"), instant(look.balance_at)),
        (_("Difference from the books"), show_in(currency, difference)),
        (_("Difference afterwards"), show_in(currency, difference - change)),
    )
    return Facts(_("At the provider"), facts, anchor="provider")


def _lines(lines: Iterable[Line]) -> Table:
    return Table(
        title=_("What is booked"),
        heads=(_("account"), _("debit"), _("credit")),
        rows=[_line_row(line) for line in lines],
        anchor="lines",
        stacks=True,
    )


def _line_row(line: Line) -> tuple[str, str, str]:
    shown = show_in(line.account.currency, abs(line.amount))
    return (account_name(line.account), shown if line.amount > 0 else "", shown if line.amount < 0 else "")
