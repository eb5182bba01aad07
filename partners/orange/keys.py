"""The PIN as Orange wants it: encrypted under its public key, which it may revoke at any time."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from partners.wire import NotReached

ENCRYPTED_LENGTH: Final = 344


def read_public_key(text: str) -> RSAPublicKey:
    """Read a key in base64 DER, with or without the lines of PEM. Raises: NotReached."""
    body = "".join(line for line in text.split("\n") if not line.startswith("-----"))
    try:
        key = load_der_public_key(base64.b64decode(body))
    except (ValueError, binascii.Error, UnsupportedAlgorithm) as error:
        raise NotReached("the public key is unreadable") from error
    if not isinstance(key, RSAPublicKey):
        raise NotReached("the public key is not RSA")
    return key


def encrypted_pin(pin: str, *, key: RSAPublicKey, padding: str) -> str:
    """Return the PIN encrypted, in base64; different each time. Raises: NotReached for a key of another size."""
    chosen = PKCS1v15() if padding == "pkcs1v15" else OAEP(MGF1(SHA256()), SHA256(), label=None)
    encrypted = base64.b64encode(key.encrypt(pin.encode(), chosen)).decode()
    if len(encrypted) != ENCRYPTED_LENGTH:
        raise NotReached("the public key is not of 2048 bits")
    return encrypted
