"""What was proposed as the destination of a cycle, and where it differs from the one in force."""

from payouts.errors import CycleMissing
from payouts.models import ProposedDestination
from transfers.destination_queries import masked_destinations
from transfers.types import MaskedDestination


def newest_destination(cycle_id: str) -> ProposedDestination:
    """Return the last destination that was proposed for a cycle. Raises: CycleMissing, also when there is none."""
    row = ProposedDestination.objects.filter(cycle_id=cycle_id).order_by("-pk").first()
    if row is None:
        raise CycleMissing(cycle_id=cycle_id)
    return row


def proposed_masked(cycle_id: str) -> list[MaskedDestination]:
    """Return the last proposed destination as people see it, and the second choice. Raises: CycleMissing."""
    return masked_destinations(newest_destination(cycle_id).destinations)
