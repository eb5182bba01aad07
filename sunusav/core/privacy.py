"""Personal data encrypted under one key per person: erasing the key makes all of it unreadable.

The person's key is itself wrapped under `FIELD_ENCRYPTION_KEY`.
"""

import hmac
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sunusav.core.auditing import pages
from sunusav.core.encryption import (
    current_key_id,
    decrypt,
    encrypt,
    open_under_master_key,
    seal_under_master_key,
)
from sunusav.core.errors import Missing
from sunusav.core.models import LookupToken, PersonKey

ERASED = "…"
DIGEST_PURPOSE = b"sunusav digest of a person's data"
# Five digits are hidden: a shorter number would be mostly visible.
SHORTEST_MASKABLE = 9
# Twelve characters are shown of a text: less than half of it.
SHORTEST_SHORTENABLE = 25


class PersonErased(Missing):
    person_ref: str


class PersonKeys:
    """The keys of some persons as they were read, for one piece of work. Kept longer, they would survive an erasure."""

    def __init__(self, rows: Iterable[PersonKey]) -> None:
        self._rows = {row.person_ref: row for row in rows}

    def seal(self, person_ref: str, text: str) -> bytes:
        """Encrypt text under a person's key. Raises: PersonErased."""
        return encrypt(self._key(person_ref), text.encode(), person_ref)

    def reveal(self, person_ref: str, sealed: bytes) -> str:
        """Decrypt what `seal` returned. Raises: PersonErased."""
        return decrypt(self._key(person_ref), bytes(sealed), person_ref).decode()

    def digest(self, person_ref: str, text: str) -> str:
        """Return a hash by which texts of one person are compared; without their key it says nothing about the text.

        A plain hash of a phone number would reveal it to anyone who hashes all of them. Raises: PersonErased.
        """
        key = hmac.digest(self._key(person_ref), DIGEST_PURPOSE, "sha256")
        return hmac.digest(key, text.encode(), "sha256").hex()

    def is_erased(self, person_ref: str) -> bool:
        """Return whether a person's data was erased; not that of one who never had a key."""
        row = self._rows.get(person_ref)
        return row is not None and row.erased_at is not None

    def _key(self, person_ref: str) -> bytes:
        return _unwrapped(self._rows.get(person_ref), person_ref)


def keys_of(person_refs: Collection[str]) -> PersonKeys:
    """Read the keys of these persons, in one query; who has none counts as erased."""
    return PersonKeys(PersonKey.objects.filter(person_ref__in=set(person_refs)))


def keys_for(person_ref: str) -> PersonKeys:
    """Read the key of a person, created on first use."""
    return PersonKeys([_key_row(person_ref)])


def seal(person_ref: str, text: str) -> bytes:
    """Encrypt text under the person's key, created on first use. Raises: PersonErased."""
    return encrypt(_person_key(person_ref), text.encode(), person_ref)


def reveal(person_ref: str, sealed: bytes) -> str:
    """Decrypt what `seal` returned. Raises: PersonErased."""
    row = PersonKey.objects.filter(person_ref=person_ref).first()
    return decrypt(_unwrapped(row, person_ref), bytes(sealed), person_ref).decode()


def erase(person_ref: str, *, now: datetime) -> None:
    """Erase a person's key: everything encrypted under it becomes unreadable, and no look-up finds them."""
    LookupToken.objects.filter(subject=person_ref).delete()
    PersonKey.objects.filter(person_ref=person_ref).update(wrapped_key=None, key_id="", erased_at=now)


def is_known(person_ref: str) -> bool:
    """Return whether anything was ever encrypted for a person, erased or not."""
    return PersonKey.objects.filter(person_ref=person_ref).exists()


def known_among(person_refs: Collection[str]) -> set[str]:
    """Return those persons for whom anything was ever encrypted, erased or not."""
    found = PersonKey.objects.filter(person_ref__in=list(person_refs))
    return set(found.values_list("person_ref", flat=True))


def lock_person(person_ref: str) -> None:
    """Lock a person's key until the caller's transaction ends: meanwhile nobody erases it.

    Raises: PersonErased, also when nothing was ever encrypted for them.
    """
    row = PersonKey.objects.select_for_update().filter(person_ref=person_ref).first()
    if row is None or row.wrapped_key is None:
        raise PersonErased(person_ref=person_ref)


def is_erased(person_ref: str) -> bool:
    """Return whether a person's data was erased."""
    return PersonKey.objects.filter(person_ref=person_ref, erased_at__isnull=False).exists()


def erased_at(person_ref: str) -> datetime | None:
    """Return when a person's data was erased; None while it is not."""
    rows = PersonKey.objects.filter(person_ref=person_ref).values_list("erased_at", flat=True)
    return rows.first()


def erased_people(since: datetime | None = None) -> Iterator[list[str]]:
    """Yield pages of the people whose data was erased, all or those since."""
    erased = PersonKey.objects.filter(erased_at__isnull=False)
    if since is not None:
        erased = erased.filter(erased_at__gte=since)
    for page in pages(erased):
        yield [row.person_ref for row in page]


def seal_bytes(plain: bytes, *, bound_to: str) -> bytes:
    """Encrypt data of no single person under the master key; only the same `bound_to` decrypts it.

    The row that holds it names the key in `key_id` and is listed in its app's `encrypted_columns.py`.
    """
    return seal_under_master_key(plain, bound_to=bound_to)


def open_sealed(sealed: bytes, *, bound_to: str) -> bytes:
    """Decrypt what `seal_bytes` returned."""
    return open_under_master_key(sealed, bound_to=bound_to)


def mask_phone(phone: str) -> str:
    """Mask a phone number except its country code, first two and last two digits."""
    if len(phone) < SHORTEST_MASKABLE:
        return "…"
    return f"{phone[:-7]}{'•' * 5}{phone[-2:]}"


def mask_text(text: str) -> str:
    """Mask all of a text except its ends; a short one entirely."""
    if len(text) < SHORTEST_SHORTENABLE:
        return "…"
    return f"{text[:8]}…{text[-4:]}"


def mask_address(address: str) -> str:
    """Mask the name in `name@domain` except its first letter."""
    name, _, domain = address.partition("@")
    return f"{name[:1]}…@{domain}" if domain else "…"


def mask_name(name: str) -> str:
    """Reduce a name to its initials."""
    return " ".join(f"{word[0]}." for word in name.split() if word)


def _person_key(person_ref: str) -> bytes:
    return _unwrapped(_key_row(person_ref), person_ref)


def _key_row(person_ref: str) -> PersonKey:
    row, _ = PersonKey.objects.get_or_create(
        person_ref=person_ref,
        defaults={"wrapped_key": lambda: _fresh_key(person_ref), "key_id": current_key_id()},
    )
    return row


def _fresh_key(person_ref: str) -> bytes:
    return seal_under_master_key(AESGCM.generate_key(256), bound_to=person_ref)


def _unwrapped(row: PersonKey | None, person_ref: str) -> bytes:
    if row is None or row.wrapped_key is None:
        raise PersonErased(person_ref=person_ref)
    return open_under_master_key(bytes(row.wrapped_key), bound_to=person_ref)
