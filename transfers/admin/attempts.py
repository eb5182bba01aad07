"""The attempts of a payment: what each was, how it ended, what was booked for it, and where it was to be paid."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.facts import instant, mono, numbered, show_code, show_facts
from sunusav.backoffice.money import NOTHING, show_in
from sunusav.backoffice.sections import Facts, Table, link_to
from transfers.account_names import name_of_code
from transfers.admin.costs import cost_with_step
from transfers.destination_queries import masked_destinations
from transfers.enums import ResolutionVerdict
from transfers.models import Attempt, Disbursement, DisbursementDestination
from transfers.queries import destinations_of

VERDICTS = {
    ResolutionVerdict.PAID: _("It was paid"),
    ResolutionVerdict.NOT_PAID: _("It was not paid"),
    ResolutionVerdict.WRITTEN_OFF: _("Write it off as a loss"),
}


def attempts_with_history(row: Disbursement) -> QuerySet[Attempt]:
    """Return the attempts with everything that their page shows, in a fixed number of queries."""
    attempts = row.attempts.select_related("order", "payment_transaction", "reversal__transaction")
    return attempts.order_by("number").prefetch_related(
        "payment_transaction__entries__account", "reversal__transaction__entries__account", "answers",
        "resolutions__proposer", "resolved__approver", "resolved__transaction__entries__account",
    )  # fmt: skip


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
        (_("Paid from"), name_of_code(order.paid_from)),
        (_("Node or account that was asked"), mono(order.source)),
        (_("Opened"), instant(attempt.opened_at)),
        (_("Sent"), instant(attempt.sent_at)),
        (_("Times sent"), attempt.sends),
        (_("Seen by the provider"), instant(attempt.seen_at)),
        (_("Closed"), instant(attempt.closed_at)),
        (_("Outcome"), show_code(attempt.outcome)),
        (_("Proof (preimage)"), mono(attempt.proof)),
        (_("Cost"), cost_with_step(attempt)),
        (_("Evidence"), show_facts(attempt.evidence)),
        (_("Order"), link_to(order, numbered(order.pk))),
    )
    return Facts(title, [(label, value) for label, value in known if value != NOTHING])
