"""What is left of members' credit, by age, with what each part stems from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from ledger.types import UnusedCredit
from payouts.queries.people import newest_memberships
from payouts.services.credit_readings import CREDIT_BY_AGE
from sunusav.backoffice.facts import instant, moment, numbered, show_code_or_text
from sunusav.backoffice.money import show_msat, show_number
from sunusav.backoffice.sections import Table, link_to_page, show_subject
from sunusav.core.readings import reading
from sunusav.core.subjects import key_of

CREDITS_PER_PAGE: Final = 50
ABOUT_ORDER = _(
    "The oldest first. A member uses the oldest credit first, so a row is a credit that is not used up yet, and what"
    " is left of it."
)
NOT_READ_YET = _("Not read yet: a task reads it every hour.")
AS_READ = _("As read at %(at)s; a task reads it every hour.")
MORE = _("Listed are the oldest %(shown)s of %(count)s; the page of a member has the movements of theirs.")


@dataclass(frozen=True)
class CreditsRead:
    """The oldest credits that are not used up, as last read, and what to say about them."""

    page: Page[UnusedCredit]
    about: str


def credits_read(number: str) -> CreditsRead:
    """Return a page of the credits as last read, the oldest first; the nearest page for any other number."""
    row = reading(CREDIT_BY_AGE)
    known = [_credit(facts) for facts in row.facts["oldest"]] if row else []
    page = Paginator(known, CREDITS_PER_PAGE).get_page(number)
    if row is None:
        return CreditsRead(page, f"{ABOUT_ORDER} {NOT_READ_YET}")
    about = f"{ABOUT_ORDER} {AS_READ % {'at': moment(row.read_at)}}"
    if row.facts["count"] > len(known):
        figures = {"shown": show_number(len(known)), "count": show_number(row.facts["count"])}
        about = f"{about} {MORE % figures}"
    return CreditsRead(page, about)


def _credit(facts: Mapping[str, Any]) -> UnusedCredit:
    return UnusedCredit(**{**facts, "at": parse_datetime(facts["at"])})


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
        link_to_page("ledger.journaltransaction", credit.transaction_id, numbered(credit.transaction_id)),
    )
