"""Find people and groups by what the platform calls them, or by a phone or a part of a name."""

from collections.abc import Sequence

from payouts.calculations import GROUP_NAME, MEMBER_NAME, phone_term
from payouts.models import Group, Member
from sunusav.core.lookups import found_by, search_terms
from sunusav.core.subjects import key_of


def newest_membership(user_id: str) -> list[Member]:
    """Return the newest membership of a person: one row, or none."""
    return list(Member.objects.filter(user_id=user_id).select_related("group").order_by("-pk")[:1])


def people_by_phone(phone: str, *, after: str, limit: int) -> list[Member]:
    """Return the newest membership of each person with this phone, after a person."""
    return _newest(found_by([phone_term(phone)], after=after, limit=limit))


def people_by_name(text: str, *, after: str, limit: int) -> list[Member]:
    """Return the newest membership of each person whose name has words that begin so, after a person."""
    return _newest(found_by(search_terms(MEMBER_NAME, text), after=after, limit=limit))


def groups_by_name(text: str, *, after: str, limit: int) -> list[Group]:
    """Return the groups whose name has words that begin so, after a group."""
    found = found_by(search_terms(GROUP_NAME, text), after=after, limit=limit)
    rows = Group.objects.in_bulk([key_of(subject) for subject in found])
    return [rows[key] for key in map(key_of, found) if key in rows]


def _newest(subjects: Sequence[str]) -> list[Member]:
    """Return each person's membership in one query: of the few that one person has, the last stored."""
    user_ids = [key_of(subject) for subject in subjects]
    rows = Member.objects.filter(user_id__in=user_ids).select_related("group").order_by("pk")
    newest = {row.user_id: row for row in rows}
    return [newest[user_id] for user_id in user_ids if user_id in newest]
