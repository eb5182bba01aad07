"""What this app adds to timelines: its payments, requests and links for a subject, what was sent, and what answered."""

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any, Final

from django.db.models import Model
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ledger.calculations import shown_xof_from_sats
from ledger.timelines import lines_of_transactions
from sunusav.backoffice.facts import moment, mono, show_code, show_code_or_text, show_facts
from sunusav.backoffice.money import show_in, show_rate, show_xof
from sunusav.backoffice.sections import Line
from sunusav.backoffice.timeline import LEARNED, MOST_SUBJECTS, SENT, Details, Names, Story
from sunusav.core.money import sats_from_msat
from sunusav.core.phrasing import code_label
from sunusav.core.subjects import key_of, kind_name, known_kinds
from transfers.enums import AnsweredCall, AnswerKind
from transfers.models import (
    Attempt,
    Collection,
    CreditUse,
    Disbursement,
    IssuedReceipt,
    PaymentLimitRequest,
    ProviderAnswer,
    Receipt,
    WithdrawalLink,
)
from transfers.return_queries import RETURN_PREFIX
from transfers.services.limits import PAYMENT_LIMIT

REQUESTS_SHOWN: Final = 20
FOR_SUBJECTS: Mapping[str, type[Model]] = {
    "disbursement": Disbursement,
    "collection": Collection,
    "withdrawal": WithdrawalLink,
    "credit_use": CreditUse,
    "issued_receipt": IssuedReceipt,
}
OF_OURS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("collection", "withdrawal", "credit_use", "issued_receipt"), ()),
    "disbursement": ("issued_receipt",),
    "return": ("collection",),
}


def related(names: Names) -> dict[str, str]:
    """Return what pays, asks for money or proves a payment for these subjects, under the names of these."""
    found = {f"{RETURN_PREFIX}{key_of(one)}": names[one] for one in names if kind_name(one) == "disbursement"}
    found |= _requests_for_limits(names)
    kinds = known_kinds()
    for kind, model in FOR_SUBJECTS.items():
        owners = [one for one in names if kind_name(one) in kinds and kind in _may_have(kind_name(one))]
        if owners:
            rows = model._default_manager.filter(subject__in=owners).order_by("-pk")
            of = rows.values_list("pk", "subject")[:MOST_SUBJECTS]
            found |= {f"{kind}:{pk}": names[subject] for pk, subject in of}
    return found


def _requests_for_limits(names: Names) -> dict[str, str]:
    """Return the requests that set these limits. A limit has the name of its kind as its key, a request a number."""
    limits = [key_of(one) for one in names if kind_name(one) == PAYMENT_LIMIT]
    limits = [key for key in limits if not key.isdecimal()]
    if not limits:
        return {}
    requests = PaymentLimitRequest.objects.filter(kind__in=limits).order_by("-pk")
    return {f"{PAYMENT_LIMIT}:{pk}": "" for pk in requests.values_list("pk", flat=True)[:REQUESTS_SHOWN]}


def _may_have(kind: str) -> Container[str]:
    """Return what a subject of a kind may have: of those of this app few do, of those of other apps all."""
    return OF_OURS.get(kind, FOR_SUBJECTS)


def lines(story: Story) -> Iterator[Line | Details]:
    yield from _of_payments(story)
    yield from _of_requests(story)


def _of_payments(story: Story) -> Iterator[Line | Details]:
    keys = story.keys("disbursement")
    if not keys:
        return
    rows = list(Disbursement.objects.filter(pk__in=keys).select_related("assessment", "conversion__rate"))
    for row in rows:
        for entry in story.entries_of(f"disbursement:{row.pk}", "begin"):
            yield Details(entry.pk, _francs(row))
    newest = Attempt.objects.filter(disbursement_id__in=keys).order_by("-pk")[:MOST_SUBJECTS]
    attempts = list(newest.select_related("order", "reversal").prefetch_related("answers", "resolved"))
    for attempt in attempts:
        yield from _of_attempt(story, attempt)
    # In the timeline of their subject, what was booked about it is there already.
    alone = {row.pk: row for row in rows if row.subject not in story.names}
    if alone:
        yield from _booked(alone.values(), [one for one in attempts if one.disbursement_id in alone])


def _booked(rows: Iterable[Disbursement], attempts: Iterable[Attempt]) -> Iterator[Line]:
    """Yield what was booked for payments: their holds, and what their attempts led to."""
    holds = [row.hold_transaction_id for row in rows if row.hold_transaction_id is not None]
    booked: set[int | None] = set()
    for attempt in attempts:
        returned = getattr(attempt, "reversal", None)
        booked.add(attempt.payment_transaction_id)
        booked.add(returned.transaction_id if returned else None)
        booked.update(resolved.transaction_id for resolved in attempt.resolved.all())
    yield from lines_of_transactions((pk for pk in booked if pk is not None), holds=holds)


def _francs(row: Disbursement) -> list[tuple[Any, Any]]:
    """Return what a payment is worth at its booked rate, and the francs that are paid by it."""
    if row.pay_xof is not None:
        rate = row.conversion.rate.rate_xof_per_btc if row.conversion else None
        paid: list[tuple[Any, Any]] = [(_("Paid in francs"), show_xof(row.pay_xof))]
        return [*paid, (_("Exchange rate"), show_rate(rate))] if rate else paid
    if row.assessment is None or row.net_msat is None:
        return []
    rate = row.assessment.rate_xof_per_btc
    worth = shown_xof_from_sats(sats_from_msat(row.net_msat), rate_xof_per_btc=rate)
    return [(_("Worth to the recipient"), show_xof(worth)), (_("Exchange rate"), show_rate(rate))]


def _of_attempt(story: Story, attempt: Attempt) -> Iterator[Line | Details]:
    subject, order = f"disbursement:{attempt.disbursement_id}", attempt.order
    own = {
        action: [one for one in story.entries_of(subject, action) if one.facts["attempt"] == attempt.number]
        for action in ("open_attempt", "send_again", "close_attempt")
    }
    for entry in own["open_attempt"]:
        yield Details(
            entry.pk,
            [
                (_("Amount"), show_in(order.currency, order.amount)),
                (_("Payable until"), moment(order.give_up_after)),
            ],
        )
    if attempt.sends > len(own["send_again"]):
        yield _sent(attempt)
    for answer in attempt.answers.all():
        yield _answer(attempt, answer)
    for entry in own["close_attempt"]:
        yield Details(entry.pk, list(_end(attempt)))
    returned = getattr(attempt, "reversal", None)
    if returned is not None and returned.returned_cost:
        cost = show_in(returned.currency, returned.returned_cost)
        for entry in story.entries_of(subject, "reverse"):
            yield Details(entry.pk, [(_("Cost that came back too"), cost)])


def _sent(attempt: Attempt) -> Line:
    """Return the first sending, which follows the committed order at once; each other one has its entry."""
    order = attempt.order
    facts = {"rail": show_code_or_text(order.rail), "amount": show_in(order.currency, order.amount)}
    return Line(
        attempt.opened_at, SENT, gettext("Sent to %(rail)s: %(amount)s") % facts, who=facts["rail"],
        key=attempt.number,
    )  # fmt: skip


def _answer(attempt: Attempt, answer: ProviderAnswer) -> Line:
    rail = show_code_or_text(attempt.order.rail)
    is_of_send = answer.answered_call == AnsweredCall.SEND
    what = (
        gettext("Answer to sending: %(outcome)s") if is_of_send else gettext("Answer to a query: %(outcome)s")
    )
    return Line(
        answer.at, LEARNED, what % {"outcome": show_code(answer.outcome)}, who=rail,
        facts=_evidence(answer.evidence), tone="" if answer.kind == AnswerKind.IN_FLIGHT else "attention",
        key=answer.pk,
    )  # fmt: skip


def _end(attempt: Attempt) -> Iterator[tuple[Any, Any]]:
    if attempt.proof:
        yield _("Proof (preimage)"), mono(attempt.proof)
    if attempt.cost is not None:
        yield _("Cost"), show_in(attempt.order.currency, attempt.cost)
    yield from _evidence(attempt.evidence)


def _evidence(evidence: Any) -> list[tuple[Any, Any]]:
    if not evidence:
        return []
    shown = format_html("<details><summary>{}</summary>{}</details>", _("Show"), show_facts(evidence))
    return [(_("Evidence"), shown)]


def _of_requests(story: Story) -> Iterable[Line | Details]:
    keys = story.keys("collection")
    if not keys:
        return
    received = Receipt.objects.filter(collection_id__in=keys).select_related("collection")
    for row in received.order_by("-pk")[:MOST_SUBJECTS]:
        yield _received(row, story.names.get(f"collection:{row.collection_id}", ""))


def _received(row: Receipt, name: str) -> Line:
    facts = {"amount": show_in(row.collection.currency, row.received), "use": code_label(row.use, of="use")}
    return Line(
        row.received_at, LEARNED, gettext("Received %(amount)s: %(use)s") % facts,
        who=show_code_or_text(row.method), links=[name] if name else [], tone="good", key=row.pk,
    )  # fmt: skip
