"""The timeline of a payment: order, sends, answers of the provider, decisions, outcome."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.facts import instant, moment, mono, show_code, show_facts
from sunusav.backoffice.money import NOTHING, show_in, show_msat
from sunusav.backoffice.sections import Facts, Table, link_to, link_to_page
from transfers.admin.costs import cost_with_step, show_cost
from transfers.destination_queries import masked_destinations
from transfers.enums import AnsweredCall, AttemptState, ResolutionVerdict
from transfers.models import Attempt, Disbursement, DisbursementDestination
from transfers.queries import destinations_of

VERDICTS = {
    ResolutionVerdict.PAID: _("It was paid"),
    ResolutionVerdict.NOT_PAID: _("It was not paid"),
    ResolutionVerdict.WRITTEN_OFF: _("Write it off as a loss"),
}


@dataclass(frozen=True)
class Event:
    """One line of the timeline. `rank` orders events of the same moment."""

    at: datetime
    rank: int
    what: Any
    details: Any = ""


def attempts_with_history(row: Disbursement) -> QuerySet[Attempt]:
    """Return the attempts with everything that their page shows, in a fixed number of queries."""
    attempts = row.attempts.select_related("order", "payment_transaction", "reversal__transaction")
    return attempts.order_by("number").prefetch_related(
        "payment_transaction__entries__account", "reversal__transaction__entries__account", "answers",
        "resolutions__proposer", "resolved__approver", "resolved__transaction__entries__account",
    )  # fmt: skip


def timeline_of(row: Disbursement, attempts: Sequence[Attempt]) -> Table:
    """Return what happened to a payment, oldest first."""
    return Table(
        title=_("Timeline"),
        heads=(_("when"), _("what"), _("details")),
        rows=[
            (instant(event.at), event.what, event.details)
            for event in sorted(_events(row, attempts), key=lambda event: (event.at, event.rank))
        ],
        anchor="timeline",
    )


def bookings(row: Disbursement, attempts: Iterable[Attempt]) -> Iterable[tuple[Any, Any]]:
    """Yield what was booked for a payment, with what it was for: its hold, the hold's release, its payment."""
    hold = row.hold_transaction
    if hold is not None:
        yield gettext("hold"), hold
        yield gettext("hold released"), getattr(hold, "reversed_by", None)
    for attempt in attempts:
        number = {"number": attempt.number}
        yield gettext("attempt %(number)s: paid") % number, attempt.payment_transaction
        for resolved in attempt.resolved.all():
            yield gettext("attempt %(number)s: written off") % number, resolved.transaction
        given_back = getattr(attempt, "reversal", None)
        if given_back is not None:
            yield gettext("reversed"), given_back.transaction


def destinations_table(row: Disbursement) -> Table:
    """Return where a payment may go, the first choice first."""
    known = list(destinations_of(row))
    shown = masked_destinations([one.destination for one in known])
    masked = {one.position: masked.masked_value for one, masked in zip(known, shown, strict=True)}
    columns: list[tuple[Any, Callable[[DisbursementDestination], Any]]] = [
        (_("choice"), lambda one: one.position),
        (_("rail"), lambda one: show_code(one.rail)),
        (_("kind"), lambda one: show_code(one.kind)),
        (_("destination"), lambda one: masked[one.position]),
        (_("set"), lambda one: instant(one.set_at)),
    ]
    if any(one.replaced_at for one in known):
        columns.append((_("replaced"), lambda one: instant(one.replaced_at)))
    if any(one.refused_at for one in known):
        columns.append((_("refused"), _refusal))
    return Table(
        title=_("Destinations"),
        heads=[head for head, _show in columns],
        rows=[[show(one) for _head, show in columns] for one in known],
        anchor="destinations",
    )


def _refusal(one: DisbursementDestination) -> Any:
    if one.refused_at is None:
        return NOTHING
    return format_html("{} ({})", instant(one.refused_at), show_code(one.refusal_code))


def facts_of(attempt: Attempt) -> Facts:
    order = attempt.order
    title = gettext("Attempt %(number)s: %(state)s") % {
        "number": attempt.number,
        "state": show_code(attempt.state),
    }
    known = (
        (_("Payment hash or reference"), mono(order.reference)),
        (_("Amount"), show_in(order.currency, order.amount)),
        (_("Cost allowed"), show_in(order.currency, order.cost_limit)),
        (_("Paid from"), mono(order.source)),
        (_("Opened"), instant(attempt.opened_at)),
        (_("Sent"), instant(attempt.sent_at)),
        (_("Times sent"), attempt.sends),
        (_("Seen by the provider"), instant(attempt.seen_at)),
        (_("Closed"), instant(attempt.closed_at)),
        (_("Outcome"), show_code(attempt.outcome)),
        (_("Proof (preimage)"), mono(attempt.proof)),
        (_("Cost"), cost_with_step(attempt)),
        (_("Evidence"), show_facts(attempt.evidence)),
        (_("Order"), link_to(order, f"#{order.pk}")),
    )
    return Facts(title, [(label, value) for label, value in known if value != NOTHING])


def _events(row: Disbursement, attempts: Sequence[Attempt]) -> Iterator[Event]:
    ordered = {"gross": show_msat(row.payout_msat), "net": show_msat(row.net_msat)}
    yield Event(
        row.requested_at, 0, _("Ordered"), _("%(gross)s, of which the recipient gets %(net)s") % ordered
    )
    for number, attempt in enumerate(attempts):
        rank = 10 * number
        yield from _events_of(attempt, rank)
    if row.completed_at:
        yield Event(row.completed_at, 10_000, _("Completed"))
    for attempt in attempts:
        given_back = getattr(attempt, "reversal", None)
        if given_back is not None:
            facts: list[tuple[Any, Any]] = [(show_code(given_back.kind), mono(given_back.reference))]
            if given_back.returned_cost:
                cost = show_in(given_back.currency, given_back.returned_cost)
                facts.append((_("Cost that came back too"), cost))
            shown = _lines(*facts)
            yield Event(given_back.reversed_at, 10_001, _("Reversed: the money came back"), shown)


def _events_of(attempt: Attempt, rank: int) -> Iterator[Event]:
    number, order = {"number": attempt.number}, attempt.order
    opened = _lines(
        (_("Payment hash or reference"), mono(order.reference)),
        (_("Payable until"), moment(order.give_up_after)),
    )
    yield Event(attempt.opened_at, rank + 1, gettext("Attempt %(number)s opened") % number, opened)
    if attempt.sent_at:
        sent = gettext("Sent, %(times)s times so far") if attempt.sends > 1 else gettext("Sent")
        yield Event(
            attempt.sent_at, rank + 2, sent % {"times": attempt.sends}, gettext("Attempt %(number)s") % number
        )
    for answer in attempt.answers.all():
        what = _("Answer to sending") if answer.answered_call == AnsweredCall.SEND else _("Answer to a query")
        yield Event(answer.at, rank + 3, what, _answer(answer.outcome, answer.evidence))
    yield from _decisions(attempt, rank + 4)
    if attempt.closed_at:
        yield Event(attempt.closed_at, rank + 5, _closing(attempt), _end(attempt))
    if attempt.paid_outside_at:
        yield Event(attempt.paid_outside_at, rank + 6, _("Paid outside the books"), _payment(attempt))


def _decisions(attempt: Attempt, rank: int) -> Iterator[Event]:
    for proposed in attempt.resolutions.all():
        facts = {
            "verdict": VERDICTS[ResolutionVerdict(proposed.verdict)],
            "who": proposed.proposer.get_username(),
        }
        yield Event(
            proposed.proposed_at, rank, _("%(who)s proposed: “%(verdict)s”") % facts, proposed.explanation
        )
    for resolved in attempt.resolved.all():
        by = {"who": resolved.approver.get_username()}
        proposal = link_to_page("core.proposal", resolved.proposal_id, f"#{resolved.proposal_id}")
        yield Event(resolved.resolved_at, rank, _("%(who)s approved") % by, proposal)


def _closing(attempt: Attempt) -> str:
    return gettext("Attempt %(number)s: %(state)s") % {
        "number": attempt.number,
        "state": show_code(attempt.state),
    }


def _end(attempt: Attempt) -> Any:
    if attempt.state == AttemptState.SUCCEEDED:
        return _payment(attempt)
    return _answer(attempt.outcome, attempt.evidence)


def _payment(attempt: Attempt) -> Any:
    return _lines(
        (_("Cost"), show_cost(attempt)),
        (_("Proof (preimage)"), mono(attempt.proof)),
    )


def _answer(outcome: str, evidence: Any) -> Any:
    if not evidence:
        return show_code(outcome)
    return format_html(
        "{}<details><summary>{}</summary>{}</details>",
        show_code(outcome),
        _("Evidence"),
        show_facts(evidence),
    )


def _lines(*facts: tuple[Any, Any]) -> Any:
    lines = format_html_join("", "<dt>{}</dt><dd>{}</dd>", facts)
    return format_html('<dl class="facts">{}</dl>', lines)
