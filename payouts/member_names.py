"""What a member is called on pages about something else."""

from typing import Any

from payouts.queries.groups import masked
from payouts.queries.search import newest_membership
from sunusav.backoffice.sections import link_to_page


def show_member(user_id: str) -> Any:
    """Show a member: their identifier with the masked name, and a link to their page; two queries."""
    newest = newest_membership(user_id)
    if not newest:
        return user_id
    (shown,) = masked(newest)
    return link_to_page(
        "payouts.member", newest[0].pk, f"{user_id} ({shown.name})" if shown.name else user_id
    )
