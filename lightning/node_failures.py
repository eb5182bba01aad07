"""What an error of the node means: the rail is unavailable, or the outcome of a payment is unknown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lightning.client import AccessScope, NodeError, NodeMacaroonRefused, NodeRefused, NodeUnavailable
from lightning.outcomes import Payment
from transfers.errors import RailUnavailable
from transfers.types import Unknown

NAME = "lightning"


@contextmanager
def unavailable_on_error() -> Iterator[None]:
    """Raise RailUnavailable for an error of the node, in calls that cannot have started a payment."""
    try:
        yield
    except NodeError as error:
        raise unavailable(error) from error


def unavailable(error: NodeError) -> RailUnavailable:
    """Return the error of a rail that cannot be used, which names the macaroon if the node refuses it."""
    what = f"the {AccessScope.PAYING} macaroon: " if isinstance(error, NodeMacaroonRefused) else ""
    return RailUnavailable(rail=NAME, detail=f"{what}{error}"[:500])


def unknown_after(error: NodeError, last: Payment | None) -> Unknown:
    """Return the outcome after an error during the call, which does not show whether the money left."""
    reason = "no-answer"
    if isinstance(error, NodeUnavailable):
        reason = "connection-lost"
    elif isinstance(error, NodeRefused):
        reason = "node-refused"
    return Unknown(seen=last is not None, reason=reason, evidence=error.evidence)
