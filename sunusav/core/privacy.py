"""Personal data encrypted under one key per person: erasing the key makes all of it unreadable.

AES-256-GCM (NIST SP 800-38D). The person's key is itself wrapped under `FIELD_ENCRYPTION_KEY`.
"""

import os
from collections.abc import Collection
from datetime import datetime

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from sunusav.core.errors import Missing
from sunusav.core.models import PersonKey

NONCE_BYTES = 12
# Five digits are hidden: a shorter number would be mostly visible.
SHORTEST_MASKABLE = 9


class PersonErased(Missing):
    person_ref: str


def seal(person_ref: str, text: str) -> bytes:
    """Encrypt text under the person's key, created on first use. Raises: PersonErased."""
    return _encrypt(_person_key(person_ref), text.encode(), person_ref)


def reveal(person_ref: str, sealed: bytes) -> str:
    """Decrypt what `seal` returned. Raises: PersonErased."""
    row = PersonKey.objects.filter(person_ref=person_ref).first()
    return _decrypt(_unwrapped(row, person_ref), bytes(sealed), person_ref).decode()


def erase(person_ref: str, *, now: datetime) -> None:
    """Erase a person's key: everything encrypted under it becomes unreadable."""
    PersonKey.objects.filter(person_ref=person_ref).update(wrapped_key=None, erased_at=now)


def is_known(person_ref: str) -> bool:
    """Return whether anything was ever encrypted for a person, erased or not."""
    return PersonKey.objects.filter(person_ref=person_ref).exists()


def known_among(person_refs: Collection[str]) -> set[str]:
    """Return those persons for whom anything was ever encrypted, erased or not."""
    found = PersonKey.objects.filter(person_ref__in=list(person_refs))
    return set(found.values_list("person_ref", flat=True))


def seal_bytes(plain: bytes, *, bound_to: str) -> bytes:
    """Encrypt data of no single person under the master key; only the same `bound_to` decrypts it."""
    return _encrypt(_master_key(), plain, bound_to)


def open_sealed(sealed: bytes, *, bound_to: str) -> bytes:
    """Decrypt what `seal_bytes` returned."""
    return _decrypt(_master_key(), sealed, bound_to)


def mask_phone(phone: str) -> str:
    """Mask a phone number except its country code, first two and last two digits."""
    if len(phone) < SHORTEST_MASKABLE:
        return "…"
    return f"{phone[:-7]}{'•' * 5}{phone[-2:]}"


def mask_name(name: str) -> str:
    """Reduce a name to its initials."""
    return " ".join(f"{word[0]}." for word in name.split() if word)


def _person_key(person_ref: str) -> bytes:
    row, _ = PersonKey.objects.get_or_create(
        person_ref=person_ref, defaults={"wrapped_key": lambda: _fresh_key(person_ref)}
    )
    return _unwrapped(row, person_ref)


def _fresh_key(person_ref: str) -> bytes:
    return _encrypt(_master_key(), AESGCM.generate_key(256), person_ref)


def _unwrapped(row: PersonKey | None, person_ref: str) -> bytes:
    if row is None or row.wrapped_key is None:
        raise PersonErased(person_ref=person_ref)
    return _decrypt(_master_key(), bytes(row.wrapped_key), person_ref)


def _master_key() -> bytes:
    return bytes.fromhex(settings.FIELD_ENCRYPTION_KEY)


def _encrypt(key: bytes, plain: bytes, bound_to: str) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to.encode())


def _decrypt(key: bytes, sealed: bytes, bound_to: str) -> bytes:
    return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode())
