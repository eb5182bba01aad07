"""How migrations encrypt what was stored in clear: the format of `privacy.PersonKeys`, frozen."""

import hmac
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import transaction

from sunusav.core.encryption import current_key_id
from sunusav.core.privacy import open_sealed, seal_bytes

NONCE_BYTES = 12
DIGEST_PURPOSE = b"sunusav digest of a person's data"
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
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(key).encrypt(nonce, text.encode(), person_ref.encode())

    def reveal(self, person_ref: str, sealed: bytes) -> str:
        """Decrypt what `seal` returned; "erased" where that is not possible any more."""
        key = self._key(person_ref)
        if key is None or not sealed:
            return "erased"
        nonce, encrypted = bytes(sealed)[:NONCE_BYTES], bytes(sealed)[NONCE_BYTES:]
        return AESGCM(key).decrypt(nonce, encrypted, person_ref.encode()).decode()

    def digest(self, person_ref: str, text: str) -> str:
        """Return a hash that is keyed with a person's key; empty for an erased person."""
        key = self._key(person_ref)
        if key is None:
            return ""
        return hmac.digest(hmac.digest(key, DIGEST_PURPOSE, "sha256"), text.encode(), "sha256").hex()

    def _key(self, person_ref: str) -> bytes | None:
        if person_ref not in self._wrapped:
            wrapped = seal_bytes(AESGCM.generate_key(256), bound_to=person_ref)
            made = {"wrapped_key": wrapped, "key_id": current_key_id()}
            row, _ = self._rows.get_or_create(person_ref=person_ref, defaults=made)
            self._wrapped[person_ref] = row.wrapped_key
        stored = self._wrapped[person_ref]
        return None if stored is None else open_sealed(bytes(stored), bound_to=person_ref)


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
