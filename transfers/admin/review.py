"""A payment that needs a person: what happened in plain words, and what may be done about it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from sunusav.core import clock
from sunusav.core.approvals import open_proposal
from sunusav.core.errors import DomainError
from sunusav.core.models import Proposal, User
from sunusav.desk.actions import Action, Decision
from sunusav.desk.facts import moment, say, say_known
from sunusav.desk.forms import ReasonAndCodeForm
from sunusav.desk.refusals import told
from sunusav.desk.sections import Box, link_to
from transfers.admin.story import VERDICTS
from transfers.enums import DisbursementState, ResolutionVerdict
from transfers.models import Attempt
from transfers.queries import under_review_since
from transfers.services.reconciliation import ask_again_now
from transfers.services.resolutions import MANUAL_RESOLUTION, propose_resolution, require_unpaid

HAPPENED = {
    "payment-vanished": _(
        "The payment was on its way. Now our node no longer knows it, or another node answers in its place. It may"
        " have been paid all the same."
    ),
    "answer-contradicts-records": _(
        "The node says that it paid, but not what we ordered: the preimage, the amount or the invoice is another."
    ),
    "last-order-in-doubt": _(
        "Before a new order could be sent the last one was asked about, and the node says neither that it was paid nor"
        " that it was refused."
    ),
    "paid-before": _(
        "An earlier order for the same purpose was paid after all. Paying this one would pay twice; outgoing money is"
        " paused."
    ),
    "incorrect-payment-details": _(
        "The payee's wallet refused it when it was sent again. A wallet refuses what it was paid already: ask the payee"
        " whether the first sending arrived, before anything else is sent."
    ),
    "payout-above-limit": _(
        "It is above the limit of what may leave. A second person may except it, or the limit may be raised and the"
        " payment retried."
    ),
    "destination-unavailable": _(
        "The service that its destination names gave no invoice, as often as it was asked. Nothing was sent."
    ),
}
REFUSED = _(
    "It was refused for a reason that a person has to look at, or tried as often as allowed (%(failure)s)."
)
ENGINE_GOES_ON = _(
    "The money stays held, nothing more is sent, and the outside is asked again every ten minutes."
)
ASK_PAYEE = _(
    "If the recipient has the money, their wallet shows the preimage of this payment hash: propose “It was paid” with"
    " it."
)
MAY_CALL_UNPAID = _(
    "The order can be paid no more and the node does not know it. If the recipient has no money either, propose “It was"
    " not paid”; once approved, the payment can be retried or cancelled."
)
NOT_UNPAID_YET = _("“It was not paid” cannot be proposed now. %(refusal)s")
DECIDE = _("Nothing is under way any more. Retry it, give it another destination first, or cancel it.")


class ExplanationForm(ReasonAndCodeForm):
    """Asks what was looked at, and for a fresh one-time code."""

    reason = forms.CharField(
        label=_("Explanation"), max_length=500, strip=True, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What you looked at and what it showed. The second person decides by it; it stays in the trail."),
    )  # fmt: skip


class PaidForm(ExplanationForm):
    """Asks for the proof and the cost of a payment that was made."""

    proof = forms.CharField(
        label=_("Preimage"), max_length=200, widget=forms.TextInput(attrs={"size": 70, "class": "mono"}),
        help_text=_("64 hexadecimal characters, from the recipient’s wallet. It is checked against the payment hash."),
    )  # fmt: skip
    cost_msat = forms.IntegerField(
        label=_("Routing fee, in msat"), min_value=0,
        help_text=_("What the route cost on top: 1,000 msat are one sat. 0 if it cannot be found any more."),
    )  # fmt: skip
    field_order = ("proof", "cost_msat", "reason", "code")


def review_box(row: Any, *, now: datetime) -> Box | None:
    """Return what a payment under review needs, or nothing for one that is not."""
    if row.state != DisbursementState.NEEDS_REVIEW:
        return None
    since = under_review_since(row.pk) or row.requested_at
    age = _("Waiting for a person for %(age)s") % {"age": timesince(since, now)}
    return Box(
        title=_("This payment needs a person"), says=_happened(row), facts=last_answer(row.open_attempt),
        steps=list(_steps(row, now)), note=age,
    )  # fmt: skip


def _happened(row: Any) -> Any:
    failure = say_known(row.failure_message or row.failure_code)
    return HAPPENED.get(row.failure_code) or REFUSED % {"failure": failure}


def last_answer(attempt: Attempt | None) -> list[tuple[Any, Any]]:
    """Return what is known of an open attempt from outside."""
    if attempt is None:
        return []
    said = format_html("{} ({})", say(attempt.outcome), moment(attempt.asked_at))
    return [
        (_("The outside said last"), said),
        (_("The order can be paid until"), moment(attempt.order.give_up_after)),
    ]


def _steps(row: Any, now: datetime) -> Iterator[Any]:
    attempt = row.open_attempt
    if attempt is None:
        yield DECIDE
        return
    yield ENGINE_GOES_ON
    waiting = open_proposal(MANUAL_RESOLUTION, str(row.pk))
    if waiting is not None:
        yield _waits(waiting)
        return
    yield ASK_PAYEE
    refusal = _refusal_of_unpaid(attempt, now)
    yield NOT_UNPAID_YET % {"refusal": told(refusal).text} if refusal else MAY_CALL_UNPAID


def _waits(proposal: Proposal) -> Any:
    verdict = VERDICTS[ResolutionVerdict(proposal.facts["proposed_end"])]
    facts = {"verdict": verdict, "who": proposal.proposer.get_username()}
    told_as = _("%(who)s proposed “%(verdict)s”. A second person decides on it:") % facts
    return format_html("{} {}", told_as, link_to(proposal, f"#{proposal.pk}"))


def _refusal_of_unpaid(attempt: Attempt, now: datetime) -> DomainError | None:
    try:
        require_unpaid(attempt, now=now)
    except DomainError as refusal:
        return refusal
    return None


def _propose_paid(decision: Decision) -> None:
    propose_resolution(
        disbursement_id=decision.row.pk, verdict=ResolutionVerdict.PAID, proof=decision.given["proof"],
        cost_msat=decision.given["cost_msat"], explanation=decision.reason, proposer=decision.user, now=decision.now,
    )  # fmt: skip


def _propose_not_paid(decision: Decision) -> None:
    propose_resolution(
        disbursement_id=decision.row.pk, verdict=ResolutionVerdict.NOT_PAID, explanation=decision.reason,
        proposer=decision.user, now=decision.now,
    )  # fmt: skip


def _ask(decision: Decision) -> None:
    ask_again_now(disbursement_id=decision.row.pk, actor=decision.actor, now=decision.now)


def _is_open(user: User, row: Any) -> bool:
    return row.open_attempt is not None


def _may_be_proposed(user: User, row: Any) -> bool:
    is_under_review = row.state == DisbursementState.NEEDS_REVIEW and row.open_attempt is not None
    return is_under_review and open_proposal(MANUAL_RESOLUTION, str(row.pk)) is None


def _may_be_called_unpaid(user: User, row: Any) -> bool:
    return _may_be_proposed(user, row) and _refusal_of_unpaid(row.open_attempt, clock.now()) is None


ASK_OUTSIDE = Action(
    slug="ask-outside",
    label=_("Ask the outside now"),
    question=_("A worker asks the outside at once what became of the payment. Nothing is sent by this."),
    done=_("being asked; open its page again in a moment"),
    run=_ask,
    permission="transfers.ask_outside",
    is_offered=_is_open,
)
PROPOSE_PAID = Action(
    slug="propose-paid",
    label=VERDICTS[ResolutionVerdict.PAID],
    question=_(
        "You propose that this payment was made. Another person approves it; then it is booked as paid, for good."
    ),
    done=_("proposed; another person has to approve"),
    run=_propose_paid,
    permission="transfers.propose_resolution",
    form=PaidForm,
    is_offered=_may_be_proposed,
    tone="good",
)
PROPOSE_NOT_PAID = Action(
    slug="propose-not-paid",
    label=VERDICTS[ResolutionVerdict.NOT_PAID],
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
