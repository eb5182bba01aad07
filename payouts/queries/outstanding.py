from payouts.calculations import contribution_subject, payee_of
from payouts.enums import UNFINISHED_CYCLES
from payouts.models import Contribution, Cycle
from payouts.queries.cycles import cycle_facts
from payouts.types import Outstanding
from transfers.collection_queries import collections_for
from transfers.credit_queries import credit_msat, payments_under_way
from transfers.enums import LIVE_COLLECTION_STATES, CollectionState
from transfers.types import CollectionFacts

OPEN_STATES = [state for state in LIVE_COLLECTION_STATES if state != CollectionState.SETTLED]


def outstanding(user_id: str) -> Outstanding:
    """Return what is held of a person or may still move."""
    # By way of their groups: contributions have no index by person alone.
    theirs = Contribution.objects.filter(user_id=user_id, cycle__group__members__user_id=user_id)
    cycle_of = dict(theirs.values_list("pk", "cycle_id"))
    cycles = cycle_facts(list(Cycle.objects.filter(pk__in=set(cycle_of.values()))))
    requests = collections_for([contribution_subject(pk) for pk in cycle_of]).values()
    return Outstanding(
        open_cycles=sum(cycle.status in UNFINISHED_CYCLES for cycle in cycles),
        open_requests=sum(_may_be_paid(request) for request in requests),
        open_payments=payments_under_way(user_id, payee_ref=payee_of(user_id)),
        # Last: what ends meanwhile, and is no longer counted above, has given its credit in the same transaction.
        credit_msat=credit_msat(user_id),
    )


def _may_be_paid(request: CollectionFacts) -> bool:
    """Return whether a request is open, or was withdrawn and its phone is needed to find it at its provider."""
    is_unknown = request.state == CollectionState.WITHDRAWN and not request.reference
    return is_unknown or request.state in OPEN_STATES
