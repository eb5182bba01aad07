"""Who calls: access tokens, the headers that Orange wants, and the PIN, encrypted under a key that can be revoked."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from sandbox.orange.answers import Refusal, error, problem
from sandbox.simulator.dialect import Request, Response
from sandbox.simulator.store import Store, text_of

DEFAULTS: Final[dict[str, Any]] = {
    # An application that Orange knows, and whether it may use the API.
    "client_id": "sunusav", "client_secret": "orange-secret", "is_provisioned": True,
    "token_seconds": 299, "tokens_valid_from": "", "rsa_padding": "pkcs1v15",
    # Our retailer account, its PIN, how often it was wrong in a row, and whether it must be changed.
    "msisdn": "781234567", "pin": "4321", "wrong_pins": 0, "must_change_pin": False,
    # APIs that are not approved for the application, by the name of the call.
    "not_approved": [],
}  # fmt: skip
MOST_WRONG_PINS: Final = 3
ENCRYPTED_LENGTH: Final = 344


class Security:
    """The keys of the simulator, in its folder so that they survive a restart."""

    def __init__(self, folder: Path, store: Store) -> None:
        self._folder, self._store = folder, store
        self._key = self._stored_key()

    def issue_token(self, request: Request) -> Response:
        """Answer a token, or an OAuth error."""
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if request.headers.get("content-type") != "application/x-www-form-urlencoded":
            return Response.of(400, {"error": "invalid_request"})
        if form.get("grant_type") != "client_credentials":
            return Response.of(400, {"error": "unsupported_grant_type"})
        wanted = (self._store.setting("client_id"), self._store.setting("client_secret"))
        if (form.get("client_id"), form.get("client_secret")) != wanted:
            return Response.of(401, {"error": "invalid_client"})
        if not self._store.setting("is_provisioned"):
            description = "INVALID_CREDENTIALS: Invalid client credentials"
            return Response.of(401, {"error": "unauthorized_client", "error_description": description})
        seconds = int(self._store.setting("token_seconds"))
        return Response.of(200, {
            "access_token": self._token(seconds), "token_type": "Bearer", "expires_in": seconds,
            "scope": "apimanagement", "refresh_token": "not-used", "refresh_expires_in": 2 * seconds,
        })  # fmt: skip

    def refusal_of(self, request: Request, call: str) -> Response | None:
        """Return the refusal of a caller without a valid token, the right type, or the approval for the call."""
        if not self._is_valid(request.headers.get("authorization", "").removeprefix("Bearer ")):
            return error(401)
        if request.headers.get("content-type", "").split(";")[0] != "application/json":
            return problem(415)
        return error(403) if call in self._store.setting("not_approved") else None

    def require_pin(self, encrypted: object) -> None:
        """Check our PIN, and count wrong ones. Raises: Refusal."""
        if not isinstance(encrypted, str) or len(encrypted) != ENCRYPTED_LENGTH:
            raise Refusal(400, "24", "must have 344 characters", field="encryptedPinCode")
        pin = self._decrypted(encrypted)
        wrong = int(self._store.setting("wrong_pins"))
        if wrong >= MOST_WRONG_PINS:
            raise Refusal(400, "2013", "the account is blocked")
        if pin != self._store.setting("pin"):
            self._store.change_settings({"wrong_pins": wrong + 1})
            raise Refusal(400, f"201{wrong + 1}", "wrong PIN")
        self._store.change_settings({"wrong_pins": 0})
        if self._store.setting("must_change_pin"):
            raise Refusal(400, "2010", "the PIN must be changed")

    def public_key(self, _request: Request) -> Response:
        der = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        key = base64.b64encode(der).decode()
        facts = {"key": key, "keyId": key[-16:], "keySize": self._key.key_size, "keyType": "RSA"}
        return Response.of(200, facts)

    def revoke_key(self) -> None:
        """Use a new key from now on: what was encrypted under the old one cannot be read."""
        self._file.unlink(missing_ok=True)
        self._key = self._stored_key()

    def revoke_tokens(self) -> None:
        """Refuse every token that was issued until now."""
        self._store.change_settings({"tokens_valid_from": self._store.now()})

    @property
    def _file(self) -> Path:
        return self._folder / "private-key.pem"

    def _stored_key(self) -> rsa.RSAPrivateKey:
        if not self._file.exists():
            made = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
            pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            self._file.write_bytes(pem)
        key = load_pem_private_key(self._file.read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey), "it was made above"  # noqa: S101  (a programmer's mistake)
        return key

    def _decrypted(self, encrypted: str) -> str:
        """Return the PIN. Raises: Refusal where it was encrypted under another key, or padded otherwise."""
        is_oaep = self._store.setting("rsa_padding") == "oaep"
        padding = OAEP(MGF1(SHA256()), SHA256(), label=None) if is_oaep else PKCS1v15()
        try:
            text = self._key.decrypt(base64.b64decode(encrypted, validate=True), padding).decode("ascii")
        except (ValueError, binascii.Error) as refused:
            raise Refusal(400, "4003", "cannot decrypt") from refused
        # Removing the padding of the older scheme gives nonsense instead of an error where the key is another one.
        if not text.isdigit():
            raise Refusal(400, "4003", "cannot decrypt")
        return text

    def _token(self, seconds: int) -> str:
        facts = [self._store.now(), self._store.now(later=timedelta(seconds=seconds))]
        body = base64.urlsafe_b64encode(json.dumps(facts).encode()).decode()
        return f"{body}.{self._mac(body)}"

    def _is_valid(self, token: str) -> bool:
        body, _, mac = token.partition(".")
        if not body or not hmac.compare_digest(mac, self._mac(body)):
            return False
        issued_at, ends_at = json.loads(base64.urlsafe_b64decode(body))
        valid_from = self._store.setting("tokens_valid_from")
        return bool(issued_at >= valid_from and text_of(self._store.moment()) < ends_at)

    def _mac(self, body: str) -> str:
        return hmac.new(self._store.setting("client_secret").encode(), body.encode(), "sha256").hexdigest()
