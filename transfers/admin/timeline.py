"""The timeline of a payment: order, sends, answers of the provider, decisions, outcome."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.facts import instant, moment, mono, show_code, show_facts
from sunusav.backoffice.money import NOTHING, show_msat, show_sats
from sunusav.backoffice.sections import Facts, Table, link_to, link_to_page
from transfers.enums import AnsweredCall, AttemptState, ResolutionVerdict
from transfers.models import Attempt, Disbursement

VERDICTS = {ResolutionVerdict.PAID: _("It was paid"), ResolutionVerdict.NOT_PAID: _("It was not paid")}


@dataclass(frozen=True)
class Event:
    """One line of the timeline. `rank` orders events of the same moment."""

    at: datetime
    rank: int
    what: Any
    details: Any = ""


def attempts_with_history(row: Disbursement) -> QuerySet[Attempt]:
    """Return the attempts with everything that their page shows, in a fixed number of queries."""
    attempts = row.attempts.select_related(
        "order", "hold_transaction", "close_transaction", "resolved__approver", "resolved__resolution"
    )
    return attempts.order_by("number").prefetch_related(
        "hold_transaction__entries__account", "close_transaction__entries__account", "answers",
        "resolutions__proposer",
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


def bookings(attempts: Iterable[Attempt]) -> Iterable[tuple[Any, Any]]:
    """Yield what each attempt booked, with what it was for."""
    for attempt in attempts:
        yield gettext("attempt %(number)s: hold") % {"number": attempt.number}, attempt.hold_transaction
        yield gettext("attempt %(number)s: close") % {"number": attempt.number}, attempt.close_transaction


def facts_of(attempt: Attempt) -> Facts:
    order = attempt.order
    title = gettext("Attempt %(number)s: %(state)s") % {
        "number": attempt.number,
        "state": show_code(attempt.state),
    }
    known = (
        (_("Payment hash or reference"), mono(order.reference)),
        (_("Amount"), show_msat(order.amount_msat)),
        (_("Routing fee allowed"), show_msat(order.fee_limit_msat)),
        (_("Payee"), mono(order.payee)),
        (_("Paid from"), mono(order.source)),
        (_("Opened"), instant(attempt.opened_at)),
        (_("Sent"), instant(attempt.sent_at)),
        (_("Times sent"), attempt.sends),
        (_("Seen by the provider"), instant(attempt.seen_at)),
        (_("Closed"), instant(attempt.closed_at)),
        (_("Outcome"), show_code(attempt.outcome)),
        (_("Proof (preimage)"), mono(attempt.proof)),
        (_("Routing fee"), show_msat(attempt.cost_msat)),
        (_("Evidence"), show_facts(attempt.evidence)),
        (_("Order"), link_to(order, f"#{order.pk}")),
    )
    return Facts(title, [(label, value) for label, value in known if value != NOTHING])


def _events(row: Disbursement, attempts: Sequence[Attempt]) -> Iterator[Event]:
    ordered = {"gross": show_sats(row.payout_sats), "net": show_sats(row.net_sats)}
    yield Event(
        row.requested_at, 0, _("Ordered"), _("%(gross)s, of which the recipient gets %(net)s") % ordered
    )
    for number, attempt in enumerate(attempts):
        rank = 10 * number
        yield from _events_of(attempt, rank)
    if row.completed_at:
        yield Event(row.completed_at, 10_000, _("Completed"))


def _events_of(attempt: Attempt, rank: int) -> Iterator[Event]:
    number, order = {"number": attempt.number}, attempt.order
    opened = _lines(
        (_("Payment hash or reference"), mono(order.reference)),
        (_("Payable until"), moment(order.give_up_after)),
    )
    yield Event(
        attempt.opened_at, rank + 1, gettext("Attempt %(number)s opened, money held") % number, opened
    )
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


def _decisions(attempt: Attempt, rank: int) -> Iterator[Event]:
    for proposed in attempt.resolutions.all():
        facts = {
            "verdict": VERDICTS[ResolutionVerdict(proposed.verdict)],
            "who": proposed.proposer.get_username(),
        }
        yield Event(
            proposed.proposed_at, rank, _("%(who)s proposed: “%(verdict)s”") % facts, proposed.explanation
        )
    resolved = getattr(attempt, "resolved", None)
    if resolved is not None:
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
        return _lines(
            (_("Routing fee"), show_msat(attempt.cost_msat)), (_("Proof (preimage)"), mono(attempt.proof))
        )
    return _answer(attempt.outcome, attempt.evidence)


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
