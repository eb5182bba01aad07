"""Payments whose money came back: proposed by one person with its proof, approved by another."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from ledger.enums import Currency
from sunusav.backoffice.actions import Action, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.facts import mono, show_code
from sunusav.backoffice.money import show_in
from sunusav.core.models import User
from transfers.account_names import name_of_code
from transfers.admin.review_actions import ExplanationForm
from transfers.attempt_queries import paid_attempt_of
from transfers.enums import DisbursementState, ReturnKind
from transfers.models import ReturnClaim, Reversal
from transfers.services.returns import request_return
from transfers.services.reversals import propose_reversal

PROOFS = [
    (ReturnKind.BANK_LINE.value, _("a line of our bank account or on-chain wallet")),
    (ReturnKind.INBOUND_PAYMENT.value, _("a payment to us by the recipient")),
]


class ReturnForm(ExplanationForm):
    kind = forms.ChoiceField(label=_("What proves that the money came back"), choices=PROOFS)
    reference = forms.CharField(
        label=_("Its reference"), max_length=120, strip=True,
        help_text=_("The bank's reference, the on-chain transaction's id, or the payment hash of the payment to us."),
    )  # fmt: skip
    field_order = ("kind", "reference", "reason", "code")


def _propose(decision: Decision) -> None:
    form = decision.form_data
    propose_reversal(
        disbursement_id=decision.row.pk, kind=ReturnKind(form["kind"]), reference=form["reference"],
        explanation=decision.reason, proposer=decision.user, now=decision.now,
    )  # fmt: skip


def _is_completed(user: User, row: Any) -> bool:
    return bool(row.state == DisbursementState.COMPLETED)


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
    form=ReturnForm,
    is_offered=_is_completed,
    tone="bad",
)


def _request_return(decision: Decision) -> None:
    request_return(
        disbursement_id=decision.row.pk, actor=decision.actor, reason=decision.reason, now=decision.now
    )


def _may_be_requested_back(user: User, row: Any) -> bool:
    paid = paid_attempt_of(row.pk) if _is_completed(user, row) else None
    return paid is not None and paid.order.currency == Currency.MSAT


REQUEST_RETURN = Action(
    slug="request-return",
    label=_("Request the money back"),
    question=_(
        "Opens an invoice for the amount that was paid, which is shown with the collections. Once the recipient has"
        " paid it, propose that the money came back, with its payment hash."
    ),
    done=_("requested"),
    run=_request_return,
    permission="transfers.propose_reversal",
    is_offered=_may_be_requested_back,
)


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
    list_display = ("id", "attempt", "kind_shown", "reference_shown", "proposer", "proposed_at")
    list_select_related = ("attempt", "proposer")
    search_fields = ("reference",)
    search_help_text = _("The exact reference.")


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

    @admin.display(description=_("arrived in"))
    def account_shown(self, row: Reversal) -> str:
        return name_of_code(row.arrived_in)

    @admin.display(description=_("amount"))
    def amount_shown(self, row: Reversal) -> str:
        return show_in(row.currency, row.amount)
