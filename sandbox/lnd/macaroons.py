"""Mint and check LND's macaroons: binary format V2, an HMAC chain, operations in the identifier.

Source: lightningnetwork/lnd macaroons/service.go, constraints.go, store.go; gopkg.in/macaroon.v2; macaroon-bakery.v2.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

from lightning.access_scopes import NEEDED, AccessScope
from lightning.macaroon_format import MacaroonUnreadable
from lightning.macaroons import (
    IDENTIFIER_VERSION,
    IdentifierUnreadable,
    Macaroon,
    Permission,
    chained,
    read_macaroon,
)
from lightning.proto import lightning_pb2
from sandbox.lnd.errors import Refusal

ROOT_KEY_ID = b"0"
CALLER = "127.0.0.1"  # every client of a simulated node is on this machine
GO_LAYOUT = "2006-01-02T15:04:05.999999999Z07:00"

ENTITIES = ("address", "info", "invoices", "macaroon", "message", "offchain", "onchain", "peers", "signer")


def _uris(scope: AccessScope) -> tuple[Permission, ...]:
    return tuple(("uri", method.path) for method in NEEDED[scope])


# The macaroons that an operator bakes for SunuSàv (`lightning.access_scopes`), and LND's admin and readonly.
BAKED: dict[str, tuple[Permission, ...]] = {
    "admin": tuple((entity, action) for entity in ENTITIES for action in ("read", "write", "generate")),
    "readonly": tuple((entity, "read") for entity in ENTITIES),
    "paying": _uris(AccessScope.PAYING),
    "invoicing": _uris(AccessScope.INVOICING),
    "monitoring": _uris(AccessScope.READONLY),
}


def mint(root_key: bytes, permissions: Iterable[Permission], *, root_key_id: bytes = ROOT_KEY_ID) -> Macaroon:
    grouped: dict[str, list[str]] = {}
    for entity, action in permissions:
        grouped.setdefault(entity, []).append(action)
    ops = [lightning_pb2.Op(entity=entity, actions=actions) for entity, actions in grouped.items()]
    identifier = lightning_pb2.MacaroonId(nonce=secrets.token_bytes(16), storageId=root_key_id, ops=ops)
    named = bytes([IDENTIFIER_VERSION]) + identifier.SerializeToString()
    return Macaroon(named, (), _signature(root_key, named, ()))


def parse(binary: bytes) -> Macaroon:
    """Read the binary form. Raises: Refusal with LND's text when it is malformed or of another version."""
    try:
        return read_macaroon(binary)
    except MacaroonUnreadable as error:
        raise Refusal(str(error)) from error


def check(binary: bytes, *, root_key: bytes, needed: Sequence[Permission], path: str, now_ns: int) -> None:
    """Raise LND's refusal unless the macaroon permits the call: key, signature, caveats, then permissions."""
    macaroon = parse(binary)
    try:
        identifier = macaroon.contents()
    except IdentifierUnreadable as error:
        raise Refusal(f"cannot retrieve macaroon: {error}") from error
    if not (identifier.ops and identifier.ops[0].actions):
        raise Refusal("cannot retrieve macaroon: no operations found in macaroon")
    if identifier.storageId != ROOT_KEY_ID:
        name = identifier.storageId.decode(errors="replace")
        raise Refusal(f"cannot retrieve macaroon: cannot get macaroon: root key with id {name} doesn't exist")
    if not hmac.compare_digest(
        _signature(root_key, macaroon.identifier, macaroon.caveats), macaroon.signature
    ):
        raise Refusal("verification failed: signature mismatch after caveat verification")
    for caveat in macaroon.caveats:
        _check_caveat(caveat.decode(errors="replace"), now_ns=now_ns)
    granted = {(op.entity, action) for op in identifier.ops for action in op.actions}
    if not (set(needed) <= granted or ("uri", path) in granted):
        raise Refusal("permission denied")


def _check_caveat(caveat: str, *, now_ns: int) -> None:
    condition, _, argument = caveat.partition(" ")
    if not condition:
        reason = "caveat starts with space character" if caveat else "empty caveat"
        raise Refusal(f'cannot parse caveat "{caveat}": {reason}')
    if why := _why_not_satisfied(condition, argument, now_ns=now_ns):
        raise Refusal(f'caveat "{caveat}" not satisfied: {why}')


def _why_not_satisfied(condition: str, argument: str, *, now_ns: int) -> str:
    """Return LND's reason why a condition does not hold; "" when it does."""
    match condition:
        case "time-before":
            return _why_too_late(argument, now_ns=now_ns)
        case "ipaddr":
            return "" if argument == CALLER else "macaroon locked to different IP address"
        case "iprange":
            return _why_outside(argument)
        case "lnd-custom":
            name = argument.split(" ", maxsplit=1)[0]
            return (
                f"cannot accept macaroon with custom caveat '{name}', no middleware registered to handle it"
            )
        case _:
            return "caveat not recognized"


def _why_outside(argument: str) -> str:
    try:
        allowed = ip_network(argument, strict=False)
    except ValueError:
        return f"unable to parse macaroon IP range: invalid CIDR address: {argument}"
    return "" if ip_address(CALLER) in allowed else "macaroon locked to different IP range"


def _why_too_late(argument: str, *, now_ns: int) -> str:
    try:
        moment = datetime.fromisoformat(argument)
    except ValueError:
        return f'parsing time "{argument}" as "{GO_LAYOUT}": cannot parse "{argument}" as "2006"'
    if moment.tzinfo is None:
        return f'parsing time "{argument}" as "{GO_LAYOUT}": cannot parse "" as "Z07:00"'
    is_in_time = datetime.fromtimestamp(now_ns / 1e9, UTC) < moment
    return "" if is_in_time else "macaroon has expired"


def _signature(root_key: bytes, identifier: bytes, caveats: Sequence[bytes]) -> bytes:
    key = hmac.digest(b"macaroons-key-generator", root_key, "sha256")
    signature = hmac.digest(key, identifier, hashlib.sha256)
    for caveat in caveats:
        signature = chained(signature, caveat)
    return signature
