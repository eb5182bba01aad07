"""What this app contributes to the back office: inbox items, its page of credit by age, what can be found."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from payouts import next_steps, timelines
from payouts.calculations import SENEGAL, group_ref, international, payee_of
from payouts.inbox import CREDIT_PAGE, INBOX
from payouts.models import Cycle, Group, Member, Refund
from payouts.queries.groups import masked
from payouts.queries.search import groups_by_name, newest_membership, people_by_name, people_by_phone
from sunusav.backoffice.facts import numbered
from sunusav.backoffice.navigation import Area, ListEntry, PageEntry
from sunusav.backoffice.search import Hit, Search, hits_of, identifier, is_phone, number, rows_found
from sunusav.backoffice.sections import link_to_page
from sunusav.core.lookups import words_of
from sunusav.core.subjects import key_of
from transfers.types import member_ref

__all__ = [
    "FACT_FORMATS",
    "INBOX",
    "NAVIGATION",
    "PAGE_FORMATS",
    "PROPOSAL_PAGES",
    "REVEAL_PAGES",
    "SEARCHES",
]


def _payment(payout_id: int) -> Any:
    return link_to_page("transfers.disbursement", payout_id, numbered(payout_id))


def show_member(user_id: str) -> Any:
    """Show a member on a page about something else: their identifier, masked name and a link; two queries."""
    newest = newest_membership(user_id)
    if not newest:
        return user_id
    (shown,) = masked(newest)
    return link_to_page(
        "payouts.member", newest[0].pk, f"{user_id} ({shown.name})" if shown.name else user_id
    )


# What can be found


def _phone(text: str) -> str:
    """Recognise a phone, as people write it in Senegal or with its country."""
    return (international(text, country=SENEGAL) or "") if is_phone(text) else ""


def _name(text: str) -> str:
    """Recognise a name: words of two letters at least, without figures."""
    return text if words_of(text) and not any(character.isdigit() for character in text) else ""


def _group_name(text: str) -> str:
    return text if words_of(text) else ""


def _person(user_id: str, after: str, limit: int) -> Sequence[Hit]:
    return _people(newest_membership(user_id))


def _people_by_phone(phone: str, after: str, limit: int) -> Sequence[Hit]:
    return _people(people_by_phone(phone, after=after, limit=limit))


def _people_by_name(text: str, after: str, limit: int) -> Sequence[Hit]:
    return _people(people_by_name(text, after=after, limit=limit))


def _people(rows: Sequence[Member]) -> Sequence[Hit]:
    return [
        replace(hit, key=member_ref(hit.key))
        for hit in hits_of(rows, about=("name_masked", "phone_masked"), key="user_id")
    ]


def _groups_by_name(text: str, after: str, limit: int) -> Sequence[Hit]:
    found = hits_of(groups_by_name(text, after=after, limit=limit), about=("country",))
    return [replace(hit, key=group_ref(hit.key)) for hit in found]


def _group(group_id: str) -> QuerySet[Group]:
    return Group.objects.filter(pk=group_id)


def _cycle(cycle_id: str) -> QuerySet[Cycle]:
    return Cycle.objects.filter(pk=cycle_id)


def _refund(pk: str) -> QuerySet[Refund]:
    return Refund.objects.filter(pk=pk)


SEARCHES = [
    Search("people-by-id", _("Members"), "payouts.view_member", identifier, _person),
    Search(
        "people-by-phone", _("Members by phone"), "payouts.view_member", _phone, _people_by_phone,
        recorded_as="search_by_phone",
    ),
    Search(
        "people-by-name", _("Members by name"), "payouts.view_member", _name, _people_by_name,
        is_unambiguous=False, recorded_as="search_by_name",
    ),
    Search(
        "groups", _("Groups"), "payouts.view_group", identifier, rows_found(_group, about=("country",))
    ),
    Search(
        "groups-by-name", _("Groups by name"), "payouts.view_group", _group_name, _groups_by_name,
        is_unambiguous=False,
    ),
    Search("cycles", _("Cycles"), "payouts.view_cycle", identifier, rows_found(_cycle, state="status")),
    Search(
        "refunds", _("Refunds"), "payouts.view_refund", number, rows_found(_refund, state="status"),
        is_unambiguous=False,
    ),
]  # fmt: skip


def _reveal_page(user_id: str) -> str:
    """Return the page that asks why a member is shown in clear, or an empty string when nobody is called so."""
    newest = newest_membership(user_id)
    return f"{reverse('admin:payouts_member_action', args=['reveal'])}?pk={newest[0].pk}" if newest else ""


REVEAL_PAGES = {"member": _reveal_page}
PROPOSAL_PAGES = {
    "group_verification": "payouts.group",
    "group_verification_revocation": "payouts.group",
    "cycle_reopening": "payouts.cycle",
    "cycle_cancellation": "payouts.cycle",
    "cycle_short_closing": "payouts.cycle",
    "winner_exchange": "payouts.cycle",
    "cycle_destination": "payouts.cycle",
    "refund_payment": "payouts.proposedrefund",
    "member_erasure": "payouts.member",
    "member_correction": "payouts.member",
}
FACT_FORMATS = {"reversed_payment": _payment}


def _payee(ref: str) -> Any:
    return show_member(key_of(ref)) if ref == payee_of(key_of(ref)) else ref


def _group_link(group_id: str) -> Any:
    return link_to_page("payouts.group", group_id, group_id) if group_id else ""


PAGE_FORMATS = {
    "transfers.disbursement.payee_ref": _payee,
    **dict.fromkeys(
        [
            "transfers.disbursement.winner_ref", "fees.feerecord.winner_ref", "fees.feeassessment.winner_ref",
            "payouts.cycle.winner_user_id", "payouts.contribution.user_id", "payouts.refund.user_id",
            "payouts.proposedrefund.user_id", "payouts.membererasure.user_id",
        ],
        show_member,
    ),
    **dict.fromkeys(
        ["transfers.disbursement.group_ref", "fees.feerecord.group_ref", "fees.feeassessment.group_ref"],
        _group_link,
    ),
}  # fmt: skip
NAVIGATION = [
    ListEntry(Area.PAYMENTS, "payouts.cycle", "cycle", rank=10),
    ListEntry(Area.PAYMENTS, "payouts.group", "groups", rank=20),
    ListEntry(Area.PAYMENTS, "payouts.member", "person", rank=30),
    ListEntry(Area.PAYMENTS, "payouts.refund", "undo", rank=60),
    ListEntry(Area.PAYMENTS, "payouts.proposedrefund", "rate_review", rank=65),
    ListEntry(Area.PAYMENTS, "payouts.cyclereopening", "lock_open", rank=80),
    ListEntry(Area.CONTRIBUTIONS, "payouts.contribution", "savings", rank=10),
    PageEntry(
        Area.CONTRIBUTIONS,
        CREDIT_PAGE,
        _("Credit by age"),
        "hourglass_bottom",
        "payouts.view_member",
        rank=50,
    ),
    ListEntry(Area.CONTROL, "payouts.membererasure", "person_off", rank=60),
]
TIMELINES = [timelines.lines]
RELATED_SUBJECTS = [timelines.related]
NEXT_STEPS = next_steps.NEXT_STEPS
