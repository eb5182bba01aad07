"""Refusals to move a member's credit to another person, each named for the fact."""

from sunusav.core.errors import Conflict, Invalid, Missing


class CreditHolderMissing(Missing):
    """No group ever had a member of this identifier."""

    user_id: str


class CreditEmpty(Conflict):
    """The member has no credit to move."""

    user_id: str


class CreditTransferToSelf(Invalid):
    user_id: str


class CreditTransferEvidenceMissing(Invalid):
    """`missing` is the field that is empty: `reference` or `explanation`."""

    missing: str


class CreditTransferProposed(Conflict):
    """A transfer of this member's credit waits for its approval."""

    user_id: str
    transfer_id: int


class CreditTransferMissing(Missing):
    transfer_id: str
