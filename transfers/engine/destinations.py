"""What a rail is asked to prepare for a destination, and stored orders as rails know them."""

from transfers.enums import FailureClass
from transfers.models import Attempt, Disbursement, DisbursementDestination, PaymentOrder
from transfers.services.amounts import amount_at
from transfers.types import Instruction, Order, PreviousOrder


def instruction_for(
    chosen: DisbursementDestination, row: Disbursement, last: Attempt | None = None
) -> Instruction:
    """Return what a rail is to prepare, with the order of its last attempt where that may serve again."""
    amount = amount_at(row, chosen.destination)
    assert amount is not None, "an order is prepared once its amount is fixed"  # noqa: S101  (a programmer's mistake)
    return Instruction(row.pk, amount, chosen.destination, _previous(chosen, last))


def _previous(chosen: DisbursementDestination, last: Attempt | None) -> PreviousOrder | None:
    """Return the last order of this disbursement, if it had the same destination, and why it was not paid."""
    if last is None or last.order.destination_digest != chosen.digest:
        return None
    if not last.failure_class:
        return None
    return PreviousOrder(order_of(last.order), FailureClass(last.failure_class))


def order_of(stored: PaymentOrder) -> Order:
    """Return a stored order as the rail prepared it."""
    return Order(
        rail=stored.rail, reference=stored.reference, payload=stored.payload, amount=stored.money(stored.amount),
        cost_limit=stored.money(stored.cost_limit), payee=stored.payee, source=stored.source,
        expires_at=stored.expires_at, give_up_after=stored.give_up_after, is_renewable=stored.is_renewable,
    )  # fmt: skip
