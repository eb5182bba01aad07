"""What a rail is asked to prepare for a destination, and stored orders as rails know them."""

from sunusav.core.money import msat_from_sats
from transfers.enums import FailureClass
from transfers.models import Attempt, Disbursement, PaymentOrder
from transfers.queries import destination_of
from transfers.types import Instruction, Order, PreviousOrder


def instruction_for(row: Disbursement, last: Attempt | None = None) -> Instruction:
    """Return what a rail is to prepare, with the order of its last attempt where that may serve again."""
    assert row.net_sats is not None, "a disbursement in process has its net"  # noqa: S101  (a programmer's mistake)
    return Instruction(row.pk, msat_from_sats(row.net_sats), destination_of(row), _previous(row, last))


def _previous(row: Disbursement, last: Attempt | None) -> PreviousOrder | None:
    """Return the last order of this disbursement, if it had the same destination and was not refused for good."""
    if last is None or last.order.destination_digest != destination_of(row).digest:
        return None
    if last.failure_class in ("", FailureClass.FINAL):
        return None
    return PreviousOrder(order_of(last.order), FailureClass(last.failure_class))


def order_of(stored: PaymentOrder) -> Order:
    """Return a stored order as the rail prepared it."""
    return Order(
        rail=stored.rail, reference=stored.reference, payload=stored.payload, amount_msat=stored.amount_msat,
        fee_limit_msat=stored.fee_limit_msat, payee=stored.payee, source=stored.source,
        expires_at=stored.expires_at, give_up_after=stored.give_up_after, is_renewable=stored.is_renewable,
    )  # fmt: skip
