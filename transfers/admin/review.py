"""A payment that needs a person: what happened, and what may be done about it."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.facts import instant, moment, mono, numbered, show_code
from sunusav.backoffice.money import show_in, show_msat
from sunusav.backoffice.refusals import show_refusal
from sunusav.backoffice.sections import Box, link_to
from sunusav.core import phrasing
from sunusav.core.approvals import open_proposal
from sunusav.core.errors import DomainError
from sunusav.core.models import Proposal
from transfers.admin.attempts import VERDICTS
from transfers.admin.costs import show_cost
from transfers.attempt_queries import (
    attempts_in_doubt_of,
    attempts_outside_books_of,
    newest_answer,
    open_attempts_of,
)
from transfers.enums import (
    LIMIT_DEFERRALS,
    OPEN_ATTEMPT_STATES,
    PAYMENT_REVERSAL,
    RAIL_DEFERRALS,
    AnswerKind,
    CollectionState,
    DisbursementState,
    FailureCode,
    ResolutionVerdict,
    ReturnKind,
    ReviewCode,
)
from transfers.models import Attempt, Collection
from transfers.next_steps import failure_sentence
from transfers.queries import under_review_since
from transfers.return_queries import live_return_of
from transfers.services.limit_waivers import LIMIT_WAIVER, is_deferred
from transfers.services.resolutions import (
    MANUAL_RESOLUTION,
    PAST_PAYING,
    require_unpaid,
)

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
MAY_CALL_LEFT_UNPAID = _(
    "The order can no longer be paid. The node still reports it as in flight, and none of its channels has it. If the"
    " recipient has no money either, propose “It was not paid”; once approved, the payment can be retried or cancelled."
)
IN_DOUBT = _(
    "Order %(reference)s was closed, and the provider has not confirmed since then that it was not paid: until it does,"
    " or two people decide it, nothing else is sent and the payment cannot be cancelled. The provider is asked about it"
    " from time to time; it can be asked at once."
)
CANCEL_AND_APPROVE = _(
    "Find out who changed it. It is not paid as it is now: cancel it, and have the right payment approved."
)
ASK_WHY_GIVEN_BACK = _(
    "Find out why the provider gave the money back. Then retry it, to another destination if need be, or cancel it."
)
OUTSIDE = _(
    "%(amount)s were paid by order %(reference)s on %(at)s, although it had been closed. Nothing in the books stands"
    " for it."
)
WRITE_OFF = _(
    "Ask the recipient to give the money back. If they do not, propose to write it off: once approved, it is booked as"
    " a loss, and books and provider agree again."
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
RETURN_TITLE = _("Return of the money")
RETURN_OPEN = _("%(amount)s were requested back. The recipient has not paid the invoice yet.")
RETURN_OPEN_STEP = _("Send the recipient the invoice: its page shows it, as text and as a code to scan.")
RETURN_ARRIVED = _("The recipient has paid %(amount)s back. The payment still counts as paid.")
RETURN_ARRIVED_STEP = _("Propose that the money came back, with this payment as the proof")
RETURN_PROPOSED = _("%(who)s has proposed that the money came back.")
DECIDES = _("A second person decides on it:")
# Payments that may have a closed order in doubt for people to decide.
UNDECIDED_STATES = (DisbursementState.NEEDS_REVIEW, DisbursementState.FAILED)
LESS_THAN_A_MINUTE = _("less than a minute")
WAITING_SINCE = _("Waiting for a person for %(age)s")


def payment_box(row: Any, *, now: datetime) -> Box | None:
    """Return what is wrong with a payment and what may be done; nothing for a payment without a problem."""
    if row.attempt_outside is not None:
        return _outside_box(row, now)
    if row.state == DisbursementState.NEEDS_REVIEW:
        return _review_box(row, now)
    if row.state == DisbursementState.FAILED:
        return _failed_box(row, now)
    if row.state == DisbursementState.PROCESSING and row.open_attempt is None and row.failure_code:
        return _waiting_box(row)
    return _return_box(row) if row.state == DisbursementState.COMPLETED else None


def _return_box(row: Any) -> Box | None:
    """Return where the return of a completed payment's money stands; nothing where nobody has begun one."""
    waiting, requested = open_proposal(PAYMENT_REVERSAL, str(row.pk)), live_return_of(row.pk)
    if waiting is not None:
        text = RETURN_PROPOSED % {"who": waiting.proposer.get_username()}
        step = format_html("{} {}", DECIDES, link_to(waiting, numbered(waiting.pk)))
        return Box(title=RETURN_TITLE, text=text, facts=_request_facts(requested), steps=[step])
    if requested is None:
        return None
    arrived = requested.state == CollectionState.SETTLED
    steps = [_proposing_link(row, requested)] if arrived else [RETURN_OPEN_STEP]
    text = (RETURN_ARRIVED if arrived else RETURN_OPEN) % {
        "amount": show_in(requested.currency, requested.amount)
    }
    return Box(
        title=RETURN_TITLE, text=text, facts=_request_facts(requested), steps=steps,
        tone="attention" if arrived else "calm",
    )  # fmt: skip


def _request_facts(requested: Collection | None) -> list[tuple[Any, Any]]:
    if requested is None:
        return []
    facts: list[tuple[Any, Any]] = [
        (_("Invoice of the return"), link_to(requested, numbered(requested.pk))),
        (_("State"), show_code(requested.state)),
    ]
    if requested.settled_at is None:
        return [*facts, (_("Can be paid until"), moment(requested.expires_at))]
    return [
        *facts,
        (_("Received"), show_in(requested.currency, requested.received)),
        (_("Received on"), moment(requested.settled_at)),
        (_("Payment hash"), mono(requested.reference or "")),
    ]


def _proposing_link(row: Any, requested: Collection) -> Any:
    given = {"pk": row.pk, "kind": ReturnKind.INBOUND_PAYMENT.value, "reference": requested.reference}
    page = reverse("admin:transfers_disbursement_action", args=["propose-reversal"])
    return format_html('<a href="{}?{}">{}</a>', page, urlencode(given), RETURN_ARRIVED_STEP)


def _review_box(row: Any, now: datetime) -> Box:
    since = under_review_since(row.pk) or row.requested_at
    facts = last_answer(row.attempt_to_resolve) or _limit_facts(row)
    return Box(
        title=_("This payment needs a person"), text=_happened(row), facts=facts, steps=list(_steps(row, now)),
        note=WAITING_SINCE % {"age": _age(since, now)},
    )  # fmt: skip


def _age(since: datetime, now: datetime) -> Any:
    return timesince(since, now) if now - since >= timedelta(minutes=1) else LESS_THAN_A_MINUTE


def _failed_box(row: Any, now: datetime) -> Box:
    says, attempt = FAILED % {"failure": failure_sentence(row)}, row.attempt_to_resolve
    steps = list(_steps_in_doubt(row, attempt, now)) if attempt is not None else [DECIDE]
    return Box(
        title=_("This payment failed"), text=says, facts=last_answer(attempt), steps=steps, tone="alarm"
    )


def _outside_box(row: Any, now: datetime) -> Box:
    """Return the box of a payment that the books have no place for."""
    attempt = row.attempt_outside
    order, since = attempt.order, attempt.paid_outside_at
    says = OUTSIDE % {
        "amount": show_in(order.currency, order.amount), "reference": order.reference, "at": moment(since),
    }  # fmt: skip
    facts = [
        (_("Proof (preimage)"), mono(attempt.proof)),
        (_("Cost"), show_cost(attempt)),
    ]
    waiting = open_proposal(MANUAL_RESOLUTION, str(row.pk))
    return Box(
        title=_("A payment is not in the books"), text=says, facts=facts,
        steps=[_waits(waiting) if waiting else WRITE_OFF], tone="alarm",
        note=WAITING_SINCE % {"age": _age(since, now)},
    )  # fmt: skip


def _waiting_box(row: Any) -> Box | None:
    """Return why a payment is deferred, and until when."""
    if row.failure_code not in (*LIMIT_DEFERRALS, *RAIL_DEFERRALS):
        return None
    says = WAITS % {"failure": failure_sentence(row)}
    steps: list[Any] = [GOES_BY_ITSELF % {"at": moment(row.due_at)}] if row.due_at else []
    if is_deferred(row):
        steps.append(_waiver_waits(row) or MAY_WAIVE)
    return Box(title=_("This payment waits"), text=says, steps=steps, tone="calm")


def _happened(row: Any) -> Any:
    known = phrasing.sentence(row.failure_code, row.failure_facts)
    return failure_sentence(row) if known else REFUSED % {"failure": show_code(row.failure_code)}


def _limit_facts(row: Any) -> list[tuple[Any, Any]]:
    """Return the amount of a payment that is above a limit."""
    return [(_("To be sent"), show_msat(row.net_msat))] if row.failure_code in LIMIT_DEFERRALS else []


def _waiver_waits(row: Any) -> Any:
    waiting = open_proposal(LIMIT_WAIVER, str(row.pk))
    if waiting is None:
        return None
    text = _("%(who)s proposed a waiver. A second person decides on it:")
    who = {"who": waiting.proposer.get_username()}
    return format_html("{} {}", text % who, link_to(waiting, numbered(waiting.pk)))


def last_answer(attempt: Attempt | None) -> list[tuple[Any, Any]]:
    """Return the last answer of the provider about an open attempt, or about a closed one in doubt."""
    if attempt is None:
        return []
    answer: Any = _("nothing yet")
    outcome = attempt.outcome
    if attempt.state not in OPEN_ATTEMPT_STATES:
        doubt = newest_answer(attempt.pk)
        outcome = doubt.outcome if doubt else outcome
    if outcome:
        answer = format_html("{} ({})", show_code(outcome), instant(attempt.asked_at or attempt.sent_at))
    return [
        (_("Last answer of the provider"), answer),
        (_("The order can be paid until"), moment(attempt.order.give_up_after)),
    ]


def _steps(row: Any, now: datetime) -> Iterator[Any]:
    attempt = row.attempt_to_resolve
    if attempt is None:
        yield _waiver_waits(row) or (WAIVE_OR_RAISE if is_deferred(row) else _decide(row))
    elif row.open_attempt is None:
        yield from _steps_in_doubt(row, attempt, now)
    else:
        yield ENGINE_GOES_ON
        yield from _steps_to_resolve(row, attempt, now)


def _decide(row: Any) -> Any:
    """Return what may be done about a payment of which nothing is under way."""
    steps = {
        ReviewCode.APPROVAL_DIFFERS.value: CANCEL_AND_APPROVE,
        FailureCode.GIVEN_BACK.value: ASK_WHY_GIVEN_BACK,
    }
    return steps.get(row.failure_code, DECIDE)


def _steps_in_doubt(row: Any, attempt: Attempt, now: datetime) -> Iterator[Any]:
    yield IN_DOUBT % {"reference": attempt.order.reference}
    yield from _steps_to_resolve(row, attempt, now)


def _steps_to_resolve(row: Any, attempt: Attempt, now: datetime) -> Iterator[Any]:
    waiting = open_proposal(MANUAL_RESOLUTION, str(row.pk))
    if waiting is not None:
        yield _waits(waiting)
        return
    is_paid_before = row.failure_code == ReviewCode.PAID_BEFORE_ORDERED
    yield PAID_FOR_ANOTHER_REASON if is_paid_before else ASK_PAYEE
    refusal = refusal_of_unpaid(attempt, now)
    if is_paid_before and refusal is None:
        return
    yield NOT_UNPAID_YET % {"refusal": show_refusal(refusal).text} if refusal else _may_call_unpaid(attempt)


def _may_call_unpaid(attempt: Attempt) -> Any:
    answer = newest_answer(attempt.pk)
    is_left = answer is not None and answer.kind == AnswerKind.STUCK
    return MAY_CALL_LEFT_UNPAID if is_left else MAY_CALL_UNPAID


def _waits(proposal: Proposal) -> Any:
    verdict = VERDICTS[ResolutionVerdict(proposal.facts["proposed_end"])]
    facts = {"verdict": verdict, "who": proposal.proposer.get_username()}
    text = _("%(who)s proposed “%(verdict)s”. A second person decides on it:") % facts
    return format_html("{} {}", text, link_to(proposal, numbered(proposal.pk)))


def refusal_of_unpaid(attempt: Attempt, now: datetime) -> DomainError | None:
    try:
        require_unpaid(attempt, now=now)
    except DomainError as refusal:
        return refusal
    return None


def attach_attempts(rows: Sequence[Any]) -> None:
    """Attach to each payment the attempts on which its box and the offered actions depend.

    `open_attempt`; `attempt_to_resolve`, which is that or one that was closed and is in doubt; and `attempt_outside`,
    which was paid beside the books.
    """
    open_ones = open_attempts_of([row.pk for row in rows])
    doubtful = [row.pk for row in rows if row.state in UNDECIDED_STATES and row.pk not in open_ones]
    doubts = attempts_in_doubt_of(doubtful) if doubtful else {}
    ended = [row.pk for row in rows if row.state in PAST_PAYING]
    outside = attempts_outside_books_of(ended) if ended else {}
    for row in rows:
        doubt = doubts.get(row.pk)
        row.open_attempt, row.attempt_outside = open_ones.get(row.pk), outside.get(row.pk)
        row.attempt_to_resolve = row.open_attempt or (doubt if doubt and _was_asked_since(doubt) else None)


def _was_asked_since(closed: Attempt) -> bool:
    """Return whether the provider was asked about a closed attempt: before, there is nothing to decide by."""
    return closed.asked_at is not None and closed.closed_at is not None and closed.asked_at > closed.closed_at
