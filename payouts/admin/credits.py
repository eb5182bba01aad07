"""What is left of members' credit, by age, with what each part stems from."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.utils.translation import gettext_lazy as _

from ledger.types import UnusedCredit
from payouts.queries.people import newest_memberships
from sunusav.backoffice.facts import instant, show_code_or_text
from sunusav.backoffice.money import show_msat
from sunusav.backoffice.sections import Table, link_to_page, show_subject
from sunusav.core.subjects import key_of
from transfers.credit_queries import credits_by_age

CREDITS_PER_PAGE: Final = 50
ABOUT_ORDER = _(
    "The oldest first. A member uses the oldest credit first, so a row is a credit that is not used up yet, and what"
    " is left of it."
)


def credits_page(number: str) -> Page[UnusedCredit]:
    """Return a page of the credits that are not used up, the oldest first; the nearest page for any other number."""
    return Paginator(credits_by_age(), CREDITS_PER_PAGE).get_page(number)


def credits_table(credits_shown: Iterable[UnusedCredit]) -> Table:
    """Return the table of these credits, in one query."""
    found = [(key_of(credit.owner), credit) for credit in credits_shown]
    pages = newest_memberships(user_id for user_id, _credit in found)
    return Table(
        title=_("Credit not used up"),
        heads=(_("since"), _("member"), _("left"), _("what"), _("for"), _("transaction")),
        rows=[_row(user_id, pages.get(user_id), credit) for user_id, credit in found],
        empty=_("No member holds credit."),
    )


def _row(user_id: str, member_pk: int | None, credit: UnusedCredit) -> Sequence[Any]:
    return (
        instant(credit.at),
        link_to_page("payouts.member", member_pk, user_id) if member_pk else user_id,
        show_msat(credit.left),
        show_code_or_text(credit.kind),
        show_subject(credit.subject),
        link_to_page("ledger.journaltransaction", credit.transaction_id, f"#{credit.transaction_id}"),
    )
