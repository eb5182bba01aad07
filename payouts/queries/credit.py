from collections.abc import Sequence

from ledger.types import Movement
from payouts.errors import MemberMissing
from payouts.types import Position
from sunusav.core.privacy import is_known
from transfers import credit_queries
from transfers.types import member_ref


def credit_msat(user_id: str) -> int:
    """Return what a member's credit holds. Raises: MemberMissing."""
    require_member(user_id)
    return credit_queries.credit_msat(user_id)


def require_member(user_id: str) -> None:
    """Refuse a user who was never a member of a group. Raises: MemberMissing."""
    if not is_known(member_ref(user_id)):
        raise MemberMissing(user_id=user_id)


def movements_page(after: Position | None, limit: int, *, user_id: str) -> Sequence[Movement]:
    """Return movements of a member's credit, the newest first."""
    before_id = after[0] if after is not None else None
    return credit_queries.credit_movements(user_id, before_id=before_id, limit=limit)
