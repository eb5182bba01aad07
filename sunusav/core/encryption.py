"""Encryption of stored values, and the master keys: the new one encrypts, it and the old ones decrypt.

AES-256-GCM (NIST SP 800-38D). A value says nothing of its key: each configured key is tried, the new one first. The row
that holds it names the key in its column `key_id`, so that `core.rotation` finds what an old key still encrypts.
"""

import os
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE_BYTES = 12
KEY_ID_DIGITS = 8
_PURPOSE = b"sunusav id of a field encryption key:"


def encrypt(key: bytes, plain: bytes, bound_to: str) -> bytes:
    """Encrypt under a key; only the same `bound_to` decrypts it."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to.encode())


def decrypt(key: bytes, sealed: bytes, bound_to: str) -> bytes:
    """Decrypt what `encrypt` returned. Raises: InvalidTag."""
    return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode())


def seal_under_master_key(plain: bytes, *, bound_to: str) -> bytes:
    """Encrypt under the new master key. The row that holds it stores `current_key_id()` in `key_id`."""
    return encrypt(_master_keys()[0], plain, bound_to)


def open_under_master_key(sealed: bytes, *, bound_to: str) -> bytes:
    """Decrypt what `seal_under_master_key` returned, also under an old master key. Raises: InvalidTag."""
    for key in _master_keys():
        try:
            return decrypt(key, sealed, bound_to)
        except InvalidTag:
            continue
    raise InvalidTag


def key_id_of(key: bytes) -> str:
    """Return what rows name a master key by; it does not reveal the key."""
    return sha256(_PURPOSE + key).hexdigest()[:KEY_ID_DIGITS]


def current_key_id() -> str:
    """Return the id of the new master key."""
    return key_id_of(_master_keys()[0])


def known_key_ids() -> set[str]:
    """Return the ids of the new and the old master keys."""
    return {key_id_of(key) for key in _master_keys()}


def _master_keys() -> list[bytes]:
    keys = [settings.FIELD_ENCRYPTION_KEY, *settings.FIELD_ENCRYPTION_OLD_KEYS]
    return [bytes.fromhex(key) for key in keys]
