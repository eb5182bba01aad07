"""The actions on a payment that needs a person: query the provider, propose how the payment ended."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from ledger.enums import Currency
from sunusav.backoffice.actions import Action, Decision
from sunusav.backoffice.forms import ReasonAndCodeForm
from sunusav.core import clock
from sunusav.core.approvals import open_proposal
from sunusav.core.models import User
from sunusav.core.money import MAX_SATS, MSAT_PER_SAT
from transfers.admin.review import refusal_of_unpaid
from transfers.enums import DisbursementState, ResolutionVerdict
from transfers.services.reconciliation import query_now
from transfers.services.resolutions import MANUAL_RESOLUTION, propose_resolution

COST_HELP = _(
    "What sending cost on top. 0 if it cannot be found any more. Leave it empty if the partner states no cost: its"
    " charges are booked from its statement."
)


class ExplanationForm(ReasonAndCodeForm):
    """An explanation of what was checked, and a fresh one-time code."""

    reason = forms.CharField(
        label=_("Explanation"), max_length=500, strip=True, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What you looked at and what it showed. The second person decides by it; it stays in the trail."),
    )  # fmt: skip


class PaidForm(ExplanationForm):
    """The proof and the cost of a payment that was made."""

    proof = forms.CharField(
        label=_("Preimage"), max_length=200, widget=forms.TextInput(attrs={"size": 70, "class": "mono"}),
        help_text=_("64 hexadecimal characters, from the recipient’s wallet. It is checked against the payment hash."),
    )  # fmt: skip
    field_order = ("proof", "cost", "reason", "code")


class PaidInSatsForm(PaidForm):
    """*Units*: the cost that people type is in sats, what it cleans to in msat."""

    cost = forms.DecimalField(
        label=_("Cost, in sats"), min_value=0, max_value=MAX_SATS, max_digits=20, decimal_places=3, required=False,
        help_text=COST_HELP,
    )  # fmt: skip

    def clean_cost(self) -> int | None:
        cost = self.cleaned_data["cost"]
        return None if cost is None else int(cost * MSAT_PER_SAT)


class PaidInFrancsForm(PaidForm):
    """*Units*: the cost is in francs."""

    cost = forms.IntegerField(
        label=_("Cost, in francs"), min_value=0, max_value=MAX_SATS, required=False, help_text=COST_HELP
    )


def _paid_form(row: Any) -> type[PaidForm]:
    attempt = row.attempt_to_resolve
    return PaidInFrancsForm if attempt and attempt.order.currency == Currency.XOF else PaidInSatsForm


def _propose_paid(decision: Decision) -> None:
    propose_resolution(
        disbursement_id=decision.row.pk, verdict=ResolutionVerdict.PAID, proof=decision.form_data["proof"],
        cost=decision.form_data["cost"], explanation=decision.reason, proposer=decision.user,
        now=decision.now,
    )  # fmt: skip


def _propose_not_paid(decision: Decision) -> None:
    propose_resolution(
        disbursement_id=decision.row.pk, verdict=ResolutionVerdict.NOT_PAID, explanation=decision.reason,
        proposer=decision.user, now=decision.now,
    )  # fmt: skip


def _propose_write_off(decision: Decision) -> None:
    propose_resolution(
        disbursement_id=decision.row.pk, verdict=ResolutionVerdict.WRITTEN_OFF, explanation=decision.reason,
        proposer=decision.user, now=decision.now,
    )  # fmt: skip


def _query(decision: Decision) -> None:
    query_now(disbursement_id=decision.row.pk, actor=decision.actor, now=decision.now)


def _can_be_queried(user: User, row: Any) -> bool:
    return row.attempt_to_resolve is not None


def _may_be_proposed(user: User, row: Any) -> bool:
    is_undecided = row.state == DisbursementState.NEEDS_REVIEW or row.open_attempt is None
    return (
        row.attempt_to_resolve is not None
        and is_undecided
        and open_proposal(MANUAL_RESOLUTION, str(row.pk)) is None
    )


def _may_be_called_unpaid(user: User, row: Any) -> bool:
    return _may_be_proposed(user, row) and refusal_of_unpaid(row.attempt_to_resolve, clock.now()) is None


def _may_be_written_off(user: User, row: Any) -> bool:
    return row.attempt_outside is not None and open_proposal(MANUAL_RESOLUTION, str(row.pk)) is None


QUERY_PROVIDER = Action(
    slug="query-provider",
    label=_("Query the provider now"),
    question=_("A worker queries the provider at once about the payment. This sends nothing."),
    done=_("being queried; open its page again in a moment"),
    run=_query,
    permission="transfers.query_provider",
    is_offered=_can_be_queried,
)
PROPOSE_PAID = Action(
    slug="propose-paid",
    label=_("Propose: “It was paid”"),
    question=_(
        "You propose that this payment was made. Another person approves it; then it is booked as paid, for good."
    ),
    done=_("proposed; another person has to approve"),
    run=_propose_paid,
    permission="transfers.propose_resolution",
    form=PaidInSatsForm,
    form_for=_paid_form,
    is_offered=_may_be_proposed,
    tone="good",
)
PROPOSE_WRITE_OFF = Action(
    slug="propose-write-off",
    label=_("Propose: write it off"),
    question=_(
        "You propose that this payment is lost. Another person approves it; then it is booked as a loss, for good."
    ),
    done=_("proposed; another person has to approve"),
    run=_propose_write_off,
    permission="transfers.propose_resolution",
    form=ExplanationForm,
    is_offered=_may_be_written_off,
    tone="bad",
)
PROPOSE_NOT_PAID = Action(
    slug="propose-not-paid",
    label=_("Propose: “It was not paid”"),
    question=_(
        "You propose that this payment was never made. Another person approves it; then the held money is given back,"
        " and the payment may be retried or cancelled. If you are wrong, the recipient may be paid twice."
    ),
    done=_("proposed; another person has to approve"),
    run=_propose_not_paid,
    permission="transfers.propose_resolution",
    form=ExplanationForm,
    is_offered=_may_be_called_unpaid,
    tone="bad",
)
