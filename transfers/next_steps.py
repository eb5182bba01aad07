"""What comes next for payments, requests for money, links, providers and rails."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.columns import show_choice
from sunusav.backoffice.facts import show_code, show_code_or_text
from sunusav.backoffice.money import show_in
from sunusav.backoffice.next_steps import BY_ITSELF, NOTHING_TO_DO, NextStep, next_step_of
from sunusav.backoffice.refusals import show_reason
from sunusav.backoffice.sections import link_to, show_subject
from sunusav.core.switches import outgoing
from transfers.attempt_queries import open_attempt_of
from transfers.enums import (
    AWAITING_STATES,
    LIMIT_DEFERRALS,
    UNPAID_COLLECTION_STATES,
    BreakerState,
    CollectionState,
    DisbursementState,
    WithdrawalState,
)
from transfers.models import (
    Attempt,
    Collection,
    Disbursement,
    PaymentOrder,
    ProviderSwitch,
    RailBreaker,
    ReturnClaim,
    Reversal,
    StatementItem,
    WithdrawalLink,
)
from transfers.statement_enums import ItemState

_S = DisbursementState
CAME_BACK = _("The money came back. What comes next stands on the page of what it was for.")
DECIDE_REVIEW = ("propose-paid", "propose-not-paid", "waive", "retry", "cancel")


def payment_step(row: Disbursement, now: datetime) -> NextStep:
    """Return what comes next for a payment."""
    state, decide = show_choice(row.state), ("retry", "cancel", *DECIDE_REVIEW[:2])
    if row.state == _S.PROCESSING:
        return _processing(row, state, now)
    steps = {
        _S.SCHEDULED: NextStep(state, _("It begins by itself at its date."), until=row.scheduled_at),
        _S.NEEDS_REVIEW: NextStep(state, failure_sentence(row), actions=DECIDE_REVIEW, tone="attention"),
        _S.FAILED: NextStep(state, failure_sentence(row), actions=decide, tone="bad"),
        _S.REVERSED: NextStep(state, CAME_BACK, link=show_subject(row.subject), tone="attention"),
        _S.COMPLETED: NextStep(state, NOTHING_TO_DO, tone="good"),
        _S.CANCELLED: NextStep(state, NOTHING_TO_DO),
    }
    return steps[_S(row.state)]


def payment_step_of(disbursement_id: int, *, now: datetime) -> NextStep:
    """Return what comes next for a payment, for the page of what it pays."""
    return payment_step(Disbursement.objects.get(pk=disbursement_id), now)


def step_by_payment(row: Attempt | PaymentOrder, now: datetime) -> NextStep | None:
    """Return what comes next for the payment of an attempt or an order, with a link to its page, where it is done."""
    return _of_its_payment(row.disbursement, now)


def step_by_attempt(row: Reversal | ReturnClaim, now: datetime) -> NextStep | None:
    """Return what comes next for the payment whose money came back, with a link to its page."""
    return _of_its_payment(row.attempt.disbursement, now)


def _of_its_payment(row: Disbursement, now: datetime) -> NextStep | None:
    step = next_step_of(row, now=now)
    page = link_to(row, gettext("payment %(number)s") % {"number": row.pk})
    return step and replace(step, actions=(), link=format_html("{} {}", page, step.link))


def _processing(row: Disbursement, state: Any, now: datetime) -> NextStep:
    attempt = open_attempt_of(row.pk)
    if attempt is not None:
        text = gettext("Sent to %(rail)s. Waits for its answer; it is asked again.")
        facts = {"rail": show_code_or_text(attempt.order.rail)}
        return NextStep(state, text % facts, until=row.due_at, actions=("query-provider",))
    switch = outgoing()
    if not switch.is_open:
        return NextStep(
            state, gettext("Waits: outgoing money is paused (%(why)s).") % {"why": switch.reason},
            permissions=["core.propose_resume_outgoing"], tone="attention",
        )  # fmt: skip
    if row.failure_code:
        actions = ("waive",) if row.failure_code in LIMIT_DEFERRALS else ()
        return NextStep(state, failure_sentence(row), until=row.due_at, actions=actions, tone="attention")
    return NextStep(state, _("A worker sends it within moments."), until=row.due_at)


def failure_sentence(row: Disbursement) -> str:
    """Return why a payment failed or waits, as a sentence."""
    text = capfirst(show_reason(row.failure_code, row.failure_facts))
    return text if text.endswith(".") else f"{text}."


def collection_step(row: Collection, now: datetime) -> NextStep:
    """Return what comes next for a request for money."""
    state = show_choice(row.state)
    if row.trouble:
        text = gettext("A person has to look at it: %(trouble)s.") % {"trouble": show_code(row.trouble)}
        return NextStep(state, text, actions=("cancel-collection",), tone="attention")
    if row.state in AWAITING_STATES:
        rest = {"rest": show_in(row.currency, row.amount - row.received)}
        text = gettext("Waits for the payer: %(rest)s are missing.") % rest
        return NextStep(state, text, until=row.expires_at)
    if row.state == CollectionState.PENDING:
        return NextStep(state, _("The request is being opened at the provider."), until=row.ask_at)
    if row.state in UNPAID_COLLECTION_STATES:
        return NextStep(state, _("Nothing is due any more. What is still paid becomes the payer's credit."))
    return NextStep(state, NOTHING_TO_DO, tone="good")


def withdrawal_step(row: WithdrawalLink, now: datetime) -> NextStep:
    """Return what comes next for a link by which a recipient says where they are paid."""
    state = show_choice(row.state)
    if row.state == WithdrawalState.OPEN:
        return NextStep(state, _("Waits for the recipient's invoice."), until=row.expires_at)
    if row.state == WithdrawalState.REDEEMED:
        return NextStep(state, _("The payment to the invoice is ordered within moments."), until=row.take_at)
    return NextStep(state, NOTHING_TO_DO)


def switch_step(row: ProviderSwitch, now: datetime) -> NextStep:
    """Return what comes next for a provider."""
    if row.is_on:
        return NextStep(_("on"), BY_ITSELF, tone="good")
    text = _("Nothing is sent or requested until two people have switched it on.")
    return NextStep(_("off"), text, actions=("propose-switch-on",), tone="bad")


def breaker_step(row: RailBreaker, now: datetime) -> NextStep:
    """Return what comes next for a rail that stops after failures in a row."""
    state = show_choice(row.state)
    if row.state == BreakerState.CLOSED:
        return NextStep(state, BY_ITSELF, tone="good")
    return NextStep(
        state, _("Waits after failures; one payment is tried then."), until=row.retry_at, tone="bad"
    )


def difference_step(row: StatementItem, now: datetime) -> NextStep:
    """Return what comes next for a difference from a statement."""
    state = show_choice(row.state)
    if row.state != ItemState.OPEN:
        return NextStep(state, NOTHING_TO_DO, tone="good")
    if row.owner is None:
        return NextStep(
            state, _("Waits for a person of finance to take it."), actions=("take",), tone="attention"
        )
    text = gettext("%(owner)s finds out why. A later line or booking that explains it closes it by itself.")
    facts = {"owner": row.owner.get_username()}
    return NextStep(state, text % facts, actions=("propose-resolution",), tone="attention")


NEXT_STEPS = {
    "transfers.disbursement": payment_step,
    "transfers.attempt": step_by_payment,
    "transfers.paymentorder": step_by_payment,
    "transfers.reversal": step_by_attempt,
    "transfers.returnclaim": step_by_attempt,
    "transfers.collection": collection_step,
    "transfers.withdrawallink": withdrawal_step,
    "transfers.providerswitch": switch_step,
    "transfers.railbreaker": breaker_step,
    "transfers.statementitem": difference_step,
}
