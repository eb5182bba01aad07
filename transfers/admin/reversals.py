"""Payments whose money came back: proposed by one person with its proof, approved by another."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ledger.enums import Currency
from sunusav.backoffice.actions import Action, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.columns import show_choice
from sunusav.backoffice.facts import day, mono, numbered, show_code
from sunusav.backoffice.forms import ReasonAndCodeForm
from sunusav.backoffice.money import NOTHING, show_in
from sunusav.backoffice.sections import link_to
from sunusav.core.approvals import open_proposal
from sunusav.core.models import User
from transfers.account_names import name_of_code
from transfers.admin.review_actions import ExplanationForm
from transfers.attempt_queries import paid_attempt_of
from transfers.enums import PAYMENT_REVERSAL, DisbursementState, ReturnKind
from transfers.models import ReturnClaim, Reversal
from transfers.return_queries import live_return_of, proposals_of_claims
from transfers.services.returns import request_return
from transfers.services.reversals import propose_reversal

UNCHOSEN = ("", "---------")
INVOICE = (ReturnKind.INBOUND_PAYMENT.value, _("the recipient's payment of our invoice"))
DAY_NEEDED = _("Enter the day of the line that shows the return.")


class ReturnForm(ExplanationForm):
    """What proves that the money of a payment in francs came back."""

    kind = forms.ChoiceField(
        label=_("What proves that the money came back"),
        choices=[UNCHOSEN, (ReturnKind.BANK_LINE.value, _("a line of our bank account"))],
    )
    reference = forms.CharField(
        label=_("Its reference"), max_length=120, strip=True,
        widget=forms.TextInput(attrs={"size": 70, "class": "mono"}), help_text=_("The bank's reference of the line."),
    )  # fmt: skip
    returned_on = forms.DateField(
        label=_("Came back on"), required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )  # fmt: skip
    field_order = ("kind", "reference", "returned_on", "reason", "code")

    def clean(self) -> dict[str, Any]:
        """Check the day before the code, which is accepted only once."""
        given = self.cleaned_data
        if given.get("kind") == ReturnKind.BANK_LINE and not given.get("returned_on"):
            self.add_error("returned_on", DAY_NEEDED)
        return super().clean()


class ReturnOfSatsForm(ReturnForm):
    """What proves that the money of a payment over Lightning came back."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        onchain = (ReturnKind.BANK_LINE.value, _("an on-chain transaction to our wallet"))
        self.fields["kind"] = forms.ChoiceField(
            label=self.fields["kind"].label, choices=[UNCHOSEN, onchain, INVOICE]
        )
        self.fields["reference"].help_text = _(
            "On-chain: the transaction's id, a colon and the number of the output. Our invoice: its payment hash."
        )
        self.fields["returned_on"].help_text = _("Only for an on-chain transaction.")
        self.order_fields(self.field_order)


def _form_of(row: Any) -> type[ReturnForm]:
    paid = paid_attempt_of(row.pk)
    is_in_sats = paid is not None and paid.order.currency == Currency.MSAT
    return ReturnOfSatsForm if is_in_sats else ReturnForm


def _propose(decision: Decision) -> None:
    form = decision.form_data
    kind = ReturnKind(form["kind"])
    propose_reversal(
        disbursement_id=decision.row.pk, kind=kind, reference=form["reference"],
        returned_on=form["returned_on"] if kind is ReturnKind.BANK_LINE else None, explanation=decision.reason,
        proposer=decision.user, now=decision.now,
    )  # fmt: skip


def _may_be_proposed(user: User, row: Any) -> bool:
    is_completed = row.state == DisbursementState.COMPLETED
    return is_completed and open_proposal(PAYMENT_REVERSAL, str(row.pk)) is None


PROPOSE_REVERSAL = Action(
    slug="propose-reversal",
    label=_("Propose: the money came back"),
    question=_(
        "Once another person has approved, the money is booked back to the account it came from, with the fee, and the"
        " payment counts as reversed."
    ),
    done=_("proposed; another person has to approve"),
    run=_propose,
    permission="transfers.propose_reversal",
    form_for=_form_of,
    is_offered=_may_be_proposed,
    tone="bad",
    prefilled=("kind", "reference"),
    is_about_one_row=True,
)


def _request_return(decision: Decision) -> None:
    request_return(
        disbursement_id=decision.row.pk, actor=decision.actor, reason=decision.reason, now=decision.now
    )


def _may_be_requested_back(user: User, row: Any) -> bool:
    if not _may_be_proposed(user, row) or live_return_of(row.pk) is not None:
        return False
    paid = paid_attempt_of(row.pk)
    return paid is not None and paid.order.currency == Currency.MSAT


REQUEST_RETURN = Action(
    slug="request-return",
    label=_("Request the money back"),
    question=_(
        "Opens an invoice for the amount that was paid, which is shown with the collections. Once the recipient has"
        " paid it, propose that the money came back, with its payment hash."
    ),
    done=_("requested; the invoice is linked on this page"),
    run=_request_return,
    permission="transfers.propose_reversal",
    form=ReasonAndCodeForm,
    is_offered=_may_be_requested_back,
    is_about_one_row=True,
)


def amount_to_return(row: Any) -> list[tuple[Any, Any]]:
    """Return the amount that must have come back for a payment to be reversed, and the hash that it was paid by."""
    paid = paid_attempt_of(row.pk)
    if paid is None:
        return []
    order = paid.order
    return [
        (_("Must come back"), show_in(order.currency, order.amount)),
        (_("Was paid by"), mono(order.reference)),
    ]


class _OfAnAttempt(ReadOnlyAdmin):
    """Rows about the return of a paid attempt's money."""

    list_select_related: ClassVar[Any] = ("attempt",)
    ordering = ("-id",)

    @admin.display(description=_("kind"))
    def kind_shown(self, row: Any) -> str:
        return show_code(row.kind)

    @admin.display(description=_("reference"))
    def reference_shown(self, row: Any) -> Any:
        return mono(row.reference)


@admin.register(ReturnClaim)
class ReturnClaimAdmin(_OfAnAttempt):
    list_display = (
        "id",
        "attempt",
        "kind_shown",
        "reference_shown",
        "state_shown",
        "proposer",
        "proposed_at",
    )
    list_select_related = ("attempt__order", "proposer")
    search_fields = ("reference",)
    search_help_text = _("The exact reference.")
    fields = (
        "attempt", "amount_shown", "state_shown", "proposal_shown", "kind_shown", "reference_shown",
        "account_shown", "returned_on_shown", "explanation", "proposer", "proposed_at",
    )  # fmt: skip
    links = ("attempt",)

    def prepare(self, rows: Sequence[Any]) -> None:
        proposals = proposals_of_claims(rows)
        for row in rows:
            row.its_proposal = proposals.get(row.pk)

    def name_of(self, row: Any) -> str:
        order = row.attempt.order
        facts = {"number": row.attempt.disbursement_id, "amount": show_in(order.currency, order.amount)}
        return gettext("return of payment #%(number)s, %(amount)s") % facts

    @admin.display(description=_("amount"))
    def amount_shown(self, row: ReturnClaim) -> str:
        return show_in(row.attempt.order.currency, row.attempt.order.amount)

    @admin.display(description=_("state"))
    def state_shown(self, row: Any) -> str:
        return show_choice(row.its_proposal.state if row.its_proposal else "")

    @admin.display(description=_("proposal"))
    def proposal_shown(self, row: Any) -> Any:
        return link_to(row.its_proposal, numbered(row.its_proposal.pk)) if row.its_proposal else NOTHING

    @admin.display(description=_("arrived in"))
    def account_shown(self, row: ReturnClaim) -> str:
        return name_of_code(row.arrived_in)

    @admin.display(description=_("returned on"))
    def returned_on_shown(self, row: ReturnClaim) -> str:
        return day(row.returned_on.isoformat()) if row.returned_on else NOTHING


@admin.register(Reversal)
class ReversalAdmin(_OfAnAttempt):
    list_display = (
        "id", "attempt", "kind_shown", "reference_shown", "amount_shown", "returned_at", "reversed_at",
    )  # fmt: skip
    fields = (
        "attempt", "kind_shown", "reference_shown", "account_shown", "amount_shown", "returned_at", "reversed_at",
        "evidence", "transaction", "claim", "proposal", "proposer", "approver",
    )  # fmt: skip
    fields_hidden_when_empty = ("claim", "proposal", "proposer", "approver")
    search_fields = ("reference",)
    search_help_text = _("The exact reference.")
    links = ("attempt", "transaction", "proposal")

    def name_of(self, row: Any) -> str:
        facts = {"number": row.attempt.disbursement_id, "amount": show_in(row.currency, row.amount)}
        return gettext("payment #%(number)s, %(amount)s") % facts

    @admin.display(description=_("arrived in"))
    def account_shown(self, row: Reversal) -> str:
        return name_of_code(row.arrived_in)

    @admin.display(description=_("amount"))
    def amount_shown(self, row: Reversal) -> str:
        return show_in(row.currency, row.amount)
