"""Store by which keyed hashes people and groups are found, in the transaction that changes their name or phone."""

from payouts.calculations import GROUP_NAME, MEMBER_NAME, group_ref, phone_term
from payouts.queries.people import known_names, known_phones
from sunusav.core.lookups import name_terms, store_lookups
from transfers.types import member_ref


def store_person(user_id: str) -> None:
    """Store by what a person is found: the names and phones that they have in their groups. Raises: PersonErased."""
    phones = {phone_term(phone) for phone in known_phones(user_id) if phone}
    store_lookups(member_ref(user_id), name_terms(MEMBER_NAME, known_names(user_id)) | phones)


def store_group(group_id: str, name: str) -> None:
    """Store by which words of its name a group is found."""
    store_lookups(group_ref(group_id), name_terms(GROUP_NAME, [name]))
