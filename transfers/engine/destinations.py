"""What a rail is asked to prepare for a destination, and stored orders as rails know them."""

from collections.abc import Sequence
from datetime import datetime

from sunusav.core.privacy import PersonErased, PersonKeys, keys_of
from transfers.destination_queries import opened_with
from transfers.enums import FailureClass
from transfers.models import Attempt, Disbursement, DisbursementDestination, PaymentOrder
from transfers.services.amounts import amount_by
from transfers.types import Instruction, Order, PreviousOrder


def instruction_for(
    chosen: DisbursementDestination, row: Disbursement, keys: PersonKeys, last: Attempt | None = None
) -> Instruction:
    """Return what a rail is to prepare, with the order of its last attempt where that may serve again.

    Raises: PersonErased.
    """
    amount = amount_by(row, chosen.rail)
    assert amount is not None, "an order is prepared once its amount is fixed"  # noqa: S101  (a programmer's mistake)
    destination, previous = opened_with(keys, chosen.destination), _previous(chosen, keys, last)
    name = keys.reveal(row.person_ref, bytes(row.sealed_name)) if row.sealed_name is not None else ""
    return Instruction(row.pk, amount, destination, previous, name, chosen.digest)


def _previous(
    chosen: DisbursementDestination, keys: PersonKeys, last: Attempt | None
) -> PreviousOrder | None:
    """Return the last order of this disbursement, if it had the same destination, and why it was not paid."""
    if last is None or last.order.destination_digest != chosen.digest:
        return None
    if not last.failure_class:
        return None
    return PreviousOrder(_opened(last.order, keys), FailureClass(last.failure_class))


def order_of(stored: PaymentOrder) -> Order:
    """Return a stored order as its rail knows it."""
    return _opened(stored, keys_of([stored.disbursement.person_ref]))


def orders_of(stored: Sequence[PaymentOrder], /, *, now: datetime) -> list[Order]:
    """Do for many stored orders what `order_of` does for one, in one query where their disbursements were read."""
    keys = keys_of([one.disbursement.person_ref for one in stored])
    return [_opened(one, keys) for one in stored]


def payload_of(stored: PaymentOrder, keys: PersonKeys) -> str:
    """Decrypt the payload of a stored order; empty once the data of the person who was paid was erased."""
    try:
        return keys.reveal(stored.disbursement.person_ref, bytes(stored.sealed_payload))
    except PersonErased:
        return ""


def _opened(stored: PaymentOrder, keys: PersonKeys) -> Order:
    return Order(
        rail=stored.rail, reference=stored.reference, payload=payload_of(stored, keys),
        amount=stored.money(stored.amount), cost_limit=stored.money(stored.cost_limit), payee="",
        source=stored.source, expires_at=stored.expires_at, give_up_after=stored.give_up_after,
        is_renewable=stored.is_renewable,
    )  # fmt: skip
