"""A payment that needs a person: what happened, and what may be done about it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.actions import Action, Decision
from sunusav.backoffice.facts import instant, moment, show_code
from sunusav.backoffice.forms import ReasonAndCodeForm
from sunusav.backoffice.money import show_sats
from sunusav.backoffice.refusals import show_reason, show_refusal
from sunusav.backoffice.sections import Box, link_to
from sunusav.core import clock, phrasing
from sunusav.core.approvals import open_proposal
from sunusav.core.errors import DomainError
from sunusav.core.models import Proposal, User
from transfers.admin.timeline import VERDICTS
from transfers.enums import (
    LIMIT_DEFERRALS,
    RAIL_DEFERRALS,
    DisbursementState,
    ResolutionVerdict,
    ReviewCode,
)
from transfers.models import Attempt
from transfers.queries import under_review_since
from transfers.services.limit_waivers import LIMIT_WAIVER, is_deferred
from transfers.services.reconciliation import query_now
from transfers.services.resolutions import MANUAL_RESOLUTION, propose_resolution, require_unpaid

REFUSED = _(
    "It was refused for a reason that a person has to look at, or tried as often as allowed (%(failure)s)."
)
ENGINE_GOES_ON = _(
    "The money stays held, nothing more is sent, and the provider is queried again every ten minutes."
)
ASK_PAYEE = _(
    "If the recipient has the money, their wallet shows the preimage of this payment hash: propose “It was paid” with"
    " it."
)
MAY_CALL_UNPAID = _(
    "The order can no longer be paid, and the provider knows of no payment by it: another node than the one that sent"
    " it cannot know. If the recipient has no money either, propose “It was not paid”; once approved, the payment"
    " can be retried or cancelled."
)
PAID_FOR_ANOTHER_REASON = _(
    "If our node paid it for this very payment, as may be after a restored backup, propose “It was paid” with the"
    " preimage. Otherwise propose “It was not paid” and ask for a new invoice."
)
NOT_UNPAID_YET = _("“It was not paid” cannot be proposed now. %(refusal)s")
DECIDE = _(
    "Nothing is under way any more. Retry it, have the platform set another destination first, or cancel it."
)
WAIVE_OR_RAISE = _(
    "If it is right as it is, propose a waiver for this payment alone. If such payments are to pass in future,"
    " propose another limit and, once it is in force, retry this one. Otherwise cancel it."
)
FAILED = _("It was not paid, and what was held for it is free again. %(failure)s")
WAITS = _("Nothing was sent. %(failure)s")
GOES_BY_ITSELF = _("It is tried again by itself on %(at)s; nobody has to do anything.")
MAY_WAIVE = _("If it must not wait, propose a waiver: another person decides.")
LESS_THAN_A_MINUTE = _("less than a minute")
WAITING_SINCE = _("Waiting for a person for %(age)s")


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
    cost_msat = forms.IntegerField(
        label=_("Routing fee, in msat"), min_value=0,
        help_text=_("What the route cost on top: 1,000 msat are one sat. 0 if it cannot be found any more."),
    )  # fmt: skip
    field_order = ("proof", "cost_msat", "reason", "code")


def payment_box(row: Any, *, now: datetime) -> Box | None:
    """Return what is wrong with a payment and what may be done; nothing for a payment without a problem."""
    if row.state == DisbursementState.NEEDS_REVIEW:
        return _review_box(row, now)
    if row.state == DisbursementState.FAILED:
        says = FAILED % {"failure": _failure(row)}
        return Box(title=_("This payment failed"), text=says, steps=[DECIDE], tone="alarm")
    if row.state == DisbursementState.PROCESSING and row.open_attempt is None and row.failure_code:
        return _waiting_box(row)
    return None


def _review_box(row: Any, now: datetime) -> Box:
    since = under_review_since(row.pk) or row.requested_at
    age = timesince(since, now) if now - since >= timedelta(minutes=1) else LESS_THAN_A_MINUTE
    facts = last_answer(row.open_attempt) if row.open_attempt else _limit_facts(row)
    return Box(
        title=_("This payment needs a person"), text=_happened(row), facts=facts, steps=list(_steps(row, now)),
        note=WAITING_SINCE % {"age": age},
    )  # fmt: skip


def _waiting_box(row: Any) -> Box | None:
    """Return why a payment is deferred, and until when."""
    if row.failure_code not in (*LIMIT_DEFERRALS, *RAIL_DEFERRALS):
        return None
    says = WAITS % {"failure": _failure(row)}
    steps: list[Any] = [GOES_BY_ITSELF % {"at": moment(row.due_at)}] if row.due_at else []
    if is_deferred(row):
        steps.append(_waiver_waits(row) or MAY_WAIVE)
    return Box(title=_("This payment waits"), text=says, steps=steps, tone="calm")


def _failure(row: Any) -> str:
    """Return why a payment failed or waits, as a sentence."""
    text = capfirst(show_reason(row.failure_code, row.failure_facts))
    return text if text.endswith(".") else f"{text}."


def _happened(row: Any) -> Any:
    known = phrasing.sentence(row.failure_code, row.failure_facts)
    return _failure(row) if known else REFUSED % {"failure": show_code(row.failure_code)}


def _limit_facts(row: Any) -> list[tuple[Any, Any]]:
    """Return the amount of a payment that is above a limit."""
    return [(_("To be sent"), show_sats(row.net_sats))] if row.failure_code in LIMIT_DEFERRALS else []


def _waiver_waits(row: Any) -> Any:
    waiting = open_proposal(LIMIT_WAIVER, str(row.pk))
    if waiting is None:
        return None
    text = _("%(who)s proposed a waiver. A second person decides on it:")
    who = {"who": waiting.proposer.get_username()}
    return format_html("{} {}", text % who, link_to(waiting, f"#{waiting.pk}"))


def last_answer(attempt: Attempt | None) -> list[tuple[Any, Any]]:
    """Return the last answer of the provider about an open attempt."""
    if attempt is None:
        return []
    answer: Any = _("nothing yet")
    if attempt.outcome:
        answer = format_html(
            "{} ({})", show_code(attempt.outcome), instant(attempt.asked_at or attempt.sent_at)
        )
    return [
        (_("Last answer of the provider"), answer),
        (_("The order can be paid until"), moment(attempt.order.give_up_after)),
    ]


def _steps(row: Any, now: datetime) -> Iterator[Any]:
    attempt = row.open_attempt
    if attempt is None:
        yield _waiver_waits(row) or (WAIVE_OR_RAISE if is_deferred(row) else DECIDE)
        return
    yield ENGINE_GOES_ON
    waiting = open_proposal(MANUAL_RESOLUTION, str(row.pk))
    if waiting is not None:
        yield _waits(waiting)
        return
    is_paid_before = row.failure_code == ReviewCode.PAID_BEFORE_ORDERED
    yield PAID_FOR_ANOTHER_REASON if is_paid_before else ASK_PAYEE
    refusal = _refusal_of_unpaid(attempt, now)
    if is_paid_before and refusal is None:
        return
    yield NOT_UNPAID_YET % {"refusal": show_refusal(refusal).text} if refusal else MAY_CALL_UNPAID


def _waits(proposal: Proposal) -> Any:
    verdict = VERDICTS[ResolutionVerdict(proposal.facts["proposed_end"])]
    facts = {"verdict": verdict, "who": proposal.proposer.get_username()}
    text = _("%(who)s proposed “%(verdict)s”. A second person decides on it:") % facts
    return format_html("{} {}", text, link_to(proposal, f"#{proposal.pk}"))


def _refusal_of_unpaid(attempt: Attempt, now: datetime) -> DomainError | None:
    try:
        require_unpaid(attempt, now=now)
    except DomainError as refusal:
        return refusal
    return None


def _propose_paid(decision: Decision) -> None:
    propose_resolution(
        disbursement_id=decision.row.pk, verdict=ResolutionVerdict.PAID, proof=decision.form_data["proof"],
        cost_msat=decision.form_data["cost_msat"], explanation=decision.reason, proposer=decision.user,
        now=decision.now,
    )  # fmt: skip


def _propose_not_paid(decision: Decision) -> None:
    propose_resolution(
        disbursement_id=decision.row.pk, verdict=ResolutionVerdict.NOT_PAID, explanation=decision.reason,
        proposer=decision.user, now=decision.now,
    )  # fmt: skip


def _query(decision: Decision) -> None:
    query_now(disbursement_id=decision.row.pk, actor=decision.actor, now=decision.now)


def _is_open(user: User, row: Any) -> bool:
    return row.open_attempt is not None


def _may_be_proposed(user: User, row: Any) -> bool:
    is_under_review = row.state == DisbursementState.NEEDS_REVIEW and row.open_attempt is not None
    return is_under_review and open_proposal(MANUAL_RESOLUTION, str(row.pk)) is None


def _may_be_called_unpaid(user: User, row: Any) -> bool:
    return _may_be_proposed(user, row) and _refusal_of_unpaid(row.open_attempt, clock.now()) is None


QUERY_PROVIDER = Action(
    slug="query-provider",
    label=_("Query the provider now"),
    question=_("A worker queries the provider at once about the payment. This sends nothing."),
    done=_("being queried; open its page again in a moment"),
    run=_query,
    permission="transfers.query_provider",
    is_offered=_is_open,
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
    form=PaidForm,
    is_offered=_may_be_proposed,
    tone="good",
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
