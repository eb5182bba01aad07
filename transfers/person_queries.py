"""What is kept about a person, for their export: rows that apps above look up by the subjects that are the person's."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Q

from sunusav.core.auditing import chunks
from sunusav.core.person_export import Row
from sunusav.core.privacy import PersonErased, reveal
from transfers.models import (
    Attempt,
    Collection,
    CreditTransferRequest,
    CreditUse,
    Disbursement,
    IssuedReceipt,
    WithdrawalLink,
)
from transfers.queries import attempts_of, disbursement_facts, withdrawal_facts
from transfers.types import SealedDestination, member_ref


def shown_destination(destination: SealedDestination) -> Row:
    """Return where money goes, in full; without its value once the person's data was erased."""
    value = revealed(destination.person_ref, destination.sealed_value)
    return {"rail": destination.rail, "kind": destination.kind, "value": value}


def revealed(person_ref: str, sealed: bytes | memoryview | None) -> str | None:
    """Return what is encrypted under a person's key; None for nothing, or once their data was erased."""
    if sealed is None:
        return None
    try:
        return reveal(person_ref, bytes(sealed))
    except PersonErased:
        return None


def payment_requests(subjects: Iterable[str]) -> Iterator[Row]:
    """Yield the requests for money about these subjects, each with what arrived for it."""
    for row in _about(Collection.objects.prefetch_related("receipts"), subjects):
        yield {
            "subject": row.subject, "method": row.method, "state": row.state, "currency": row.currency,
            "asked": row.amount, "due_currency": row.due_currency, "due": row.due, "received": row.received,
            "phone": revealed(row.overpaid_owner, row.sealed_phone), "memo": row.memo,
            "reference": row.reference, "payment_request": row.payment_request,
            "checkout_url": row.checkout_url, "requested_at": row.requested_at, "expires_at": row.expires_at,
            "settled_at": row.settled_at, "receipts": [_receipt(receipt) for receipt in row.receipts.all()],
        }  # fmt: skip


def _receipt(row: Any) -> Row:
    return {
        "method": row.method, "reference": row.reference, "received": row.received, "use": row.use,
        "proof": row.proof, "received_at": row.received_at, "transaction": row.transaction_id,
    }  # fmt: skip


def payments(subjects: Iterable[str], *, payee_ref: str) -> Iterator[Row]:
    """Yield the payments to this payee for these subjects, with their destinations and attempts."""
    for row in _about(Disbursement.objects.filter(payee_ref=payee_ref), subjects):
        yield {
            "payment": row.pk, "subject": row.subject, "state": row.state, "payout_msat": row.payout_msat,
            "fee_msat": row.fee_msat, "net_msat": row.net_msat, "pay_xof": row.pay_xof,
            "assessment": row.assessment_id,
            "destinations": [shown_destination(one) for one in disbursement_facts(row).destinations],
            "requested_at": row.requested_at, "scheduled_at": row.scheduled_at,
            "completed_at": row.completed_at, "failure": row.failure_code,
            "attempts": [_attempt(attempt) for attempt in attempts_of(row.pk)],
        }  # fmt: skip


def _attempt(row: Attempt) -> Row:
    order, reversal = row.order, getattr(row, "reversal", None)
    return {
        "number": row.number, "state": row.state, "rail": order.rail, "reference": order.reference,
        "currency": order.currency, "amount": order.amount, "proof": row.proof, "outcome": row.outcome,
        "opened_at": row.opened_at, "sent_at": row.sent_at, "closed_at": row.closed_at,
        "returned_at": reversal.returned_at if reversal else None,
    }  # fmt: skip


def withdrawal_links(subjects: Iterable[str]) -> Iterator[Row]:
    """Yield the links that pay for these subjects, without their secrets."""
    for row in _about(WithdrawalLink.objects.all(), subjects):
        found = withdrawal_facts(row)
        yield {
            "subject": row.subject, "state": row.state, "rail": row.rail, "amount_msat": row.amount_msat,
            "opened_by": row.opened_by, "opened_at": row.opened_at, "expires_at": row.expires_at,
            "redeemed_at": row.redeemed_at, "payment": row.disbursement_id,
            "destination": shown_destination(found.destination) if found.destination else None,
        }  # fmt: skip


def receipts(subjects: Iterable[str]) -> Iterator[Row]:
    """Yield the receipts issued about these subjects, with their links but not what opens them."""
    for row in _about(IssuedReceipt.objects.prefetch_related("links"), subjects):
        yield {
            "number": row.number, "kind": row.kind, "subject": row.subject, "issued_at": row.issued_at,
            "issued_by": row.issued_by, "facts": row.facts, "links": [_link(link) for link in row.links.all()],
        }  # fmt: skip


def _link(row: Any) -> Row:
    return {
        "opened_by": row.opened_by, "opened_at": row.opened_at, "expires_at": row.expires_at,
        "closed_at": row.closed_at,
    }  # fmt: skip


def credit_uses(subjects: Iterable[str]) -> Iterator[Row]:
    """Yield the uses of credit for these subjects."""
    for row in _about(CreditUse.objects.all(), subjects):
        yield {
            "subject": row.subject, "amount_msat": row.amount_msat, "used_at": row.used_at,
            "returned_at": row.returned_at, "transaction": row.transaction_id,
        }  # fmt: skip


def credit_transfer_ids(user_id: str) -> list[int]:
    """Return the proposed transfers of a person's credit to another's, or the other way round."""
    owner = member_ref(user_id)
    found = CreditTransferRequest.objects.filter(Q(from_owner=owner) | Q(to_owner=owner))
    return list(found.order_by("pk").values_list("pk", flat=True))


def _about(rows: Any, subjects: Iterable[str]) -> Iterator[Any]:
    for chunk in chunks(sorted(set(subjects))):
        yield from rows.filter(subject__in=chunk).order_by("pk")
