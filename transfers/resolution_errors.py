"""Refusals of what two people decide about an outcome, each named for the fact."""

from sunusav.core.errors import Conflict, Invalid, Missing


class ResolutionMissing(Missing):
    disbursement_id: int


class NothingToWriteOff(Conflict):
    """No payment of it is outside the books, or one is that may still be booked for it."""

    disbursement_id: int
    state: str


class ResolutionNeedsProof(Invalid):
    """A payment counts as paid only with the payee's proof: the preimage of this payment hash."""

    disbursement_id: int
    reference: str


class ResolutionCostOutOfRange(Invalid):
    """What sending cost is at least 0 and at most what the order allowed."""

    disbursement_id: int
    cost: int | None
    cost_limit: int
    currency: str


class ResolutionNeedsExplanation(Invalid):
    disbursement_id: int
