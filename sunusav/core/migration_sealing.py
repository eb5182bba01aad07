"""How migrations encrypt what was stored in clear: the format of `privacy.PersonKeys`, frozen.

Migrations import it, so it imports nothing of ours: what it needs of `core.encryption` is written here again.
"""

import hmac
import os
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import transaction

NONCE_BYTES = 12
DIGEST_PURPOSE = b"sunusav digest of a person's data"
KEY_ID_PURPOSE, KEY_ID_DIGITS = b"sunusav id of a field encryption key:", 8
AT_ONCE = 500


class MigratedKeys:
    """The keys of some persons, each created on first use. The data of an erased person becomes unreadable too."""

    def __init__(self, apps: Any, person_refs: Iterable[str]) -> None:
        self._rows = apps.get_model("core", "PersonKey").objects
        known = self._rows.filter(person_ref__in=set(person_refs))
        self._wrapped = dict(known.values_list("person_ref", "wrapped_key"))

    def seal(self, person_ref: str, text: str) -> bytes:
        """Encrypt text under a person's key; nothing is kept of an erased person's."""
        key = self._key(person_ref)
        if key is None:
            return b""
        return _encrypted(key, text.encode(), person_ref)

    def reveal(self, person_ref: str, sealed: bytes) -> str:
        """Decrypt what `seal` returned; "erased" where that is not possible any more."""
        key = self._key(person_ref)
        if key is None or not sealed:
            return "erased"
        return _decrypted(key, bytes(sealed), person_ref).decode()

    def digest(self, person_ref: str, text: str) -> str:
        """Return a hash that is keyed with a person's key; empty for an erased person."""
        key = self._key(person_ref)
        if key is None:
            return ""
        return hmac.digest(hmac.digest(key, DIGEST_PURPOSE, "sha256"), text.encode(), "sha256").hex()

    def _key(self, person_ref: str) -> bytes | None:
        if person_ref not in self._wrapped:
            new = _master_keys()[0]
            made = {
                "wrapped_key": _encrypted(new, AESGCM.generate_key(256), person_ref),
                "key_id": _key_id(new),
            }
            row, _ = self._rows.get_or_create(person_ref=person_ref, defaults=made)
            self._wrapped[person_ref] = row.wrapped_key
        stored = self._wrapped[person_ref]
        return None if stored is None else _unwrapped(bytes(stored), person_ref)


def _encrypted(key: bytes, plain: bytes, bound_to: str) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to.encode())


def _decrypted(key: bytes, sealed: bytes, bound_to: str) -> bytes:
    return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode())


def _unwrapped(wrapped: bytes, person_ref: str) -> bytes:
    """Decrypt a person's key with the master key that wraps it. Raises: InvalidTag."""
    for key in _master_keys():
        try:
            return _decrypted(key, wrapped, person_ref)
        except InvalidTag:
            continue
    raise InvalidTag


def _master_keys() -> list[bytes]:
    return [
        bytes.fromhex(key) for key in (settings.FIELD_ENCRYPTION_KEY, *settings.FIELD_ENCRYPTION_OLD_KEYS)
    ]


def _key_id(key: bytes) -> str:
    return sha256(KEY_ID_PURPOSE + key).hexdigest()[:KEY_ID_DIGITS]


def in_batches(rows: Any, change: Callable[[list[Any]], None]) -> None:
    """Change rows in batches, each in a transaction of its own: interrupted anywhere, it is run again.

    `rows` are those that were not changed yet, so that what an earlier run has done is left out.
    """
    for page in _pages(rows):
        with transaction.atomic():
            change(page)


def _pages(rows: Any) -> Iterator[list[Any]]:
    last: Any = None
    while True:
        after = rows if last is None else rows.filter(pk__gt=last)
        page = list(after.order_by("pk")[:AT_ONCE])
        if not page:
            return
        last = page[-1].pk
        yield page
