"""What is encrypted at rest, in clear: for tests that compare it with what they gave."""

from payouts.models import Cycle
from transfers.destination_queries import open_destinations
from transfers.engine.destinations import order_of
from transfers.models import DisbursementDestination, PaymentOrder
from transfers.types import Destination, SealedDestination


def opened(sealed: SealedDestination | None) -> Destination:
    """Return a destination in clear."""
    assert sealed is not None
    (destination,) = open_destinations([sealed])
    return destination


def destination_of(cycle: Cycle) -> Destination:
    """Return where the winner of a cycle is paid, in clear."""
    return opened(cycle.destinations[0])


def value_of(row: DisbursementDestination) -> str:
    """Return the value of a stored destination, in clear."""
    return opened(row.destination).value


def payload_of(order: PaymentOrder) -> str:
    """Return the payload of a stored order, in clear."""
    return order_of(order).payload
