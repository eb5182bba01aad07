"""Mint and check LND's macaroons: binary format V2, an HMAC chain, operations inside the identifier.

Source: lightningnetwork/lnd macaroons/service.go, gopkg.in/macaroon.v2; reference/lightning.md section 2.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from google.protobuf.message import DecodeError

from lightning.proto import lightning_pb2, methods
from lightning.simulator.errors import Refusal

Permission = tuple[str, str]

VERSION = 2
IDENTIFIER_VERSION = 3
END, LOCATION, IDENTIFIER, SIGNATURE = 0, 1, 2, 6
CONTINUES = 0x80  # the bit of a varint byte that says that another follows
ROOT_KEY_ID = b"0"

ENTITIES = ("address", "info", "invoices", "macaroon", "message", "offchain", "onchain", "peers", "signer")


def _uris(*called: methods.Method) -> tuple[Permission, ...]:  # type: ignore[type-arg]
    return tuple(("uri", method.path) for method in called)


# What an operator bakes for SunuSàv (reference/lightning.md section 2), and LND's own admin and readonly files.
BAKED: dict[str, tuple[Permission, ...]] = {
    "admin": tuple((entity, action) for entity in ENTITIES for action in ("read", "write", "generate")),
    "readonly": tuple((entity, "read") for entity in ENTITIES),
    "paying": _uris(
        methods.SEND_PAYMENT_V2,
        methods.TRACK_PAYMENT_V2,
        methods.TRACK_PAYMENTS,
        methods.LIST_PAYMENTS,
        methods.DECODE_PAY_REQ,
        methods.CHANNEL_BALANCE,
        methods.GET_INFO,
        methods.ESTIMATE_ROUTE_FEE,
    ),
    "invoicing": _uris(
        methods.ADD_INVOICE,
        methods.LOOKUP_INVOICE,
        methods.SUBSCRIBE_INVOICES,
        methods.SUBSCRIBE_SINGLE_INVOICE,
        methods.LIST_INVOICES,
        methods.CANCEL_INVOICE,
        methods.GET_INFO,
    ),
}


@dataclass(frozen=True)
class Macaroon:
    identifier: bytes
    caveats: tuple[bytes, ...]
    signature: bytes

    def serialized(self) -> bytes:
        parts = [
            bytes([VERSION]),
            _packet(LOCATION, b"lnd"),
            _packet(IDENTIFIER, self.identifier),
            bytes([END]),
        ]
        parts += [_packet(IDENTIFIER, caveat) + bytes([END]) for caveat in self.caveats]
        return b"".join([*parts, bytes([END]), _packet(SIGNATURE, self.signature)])


def mint(root_key: bytes, permissions: Iterable[Permission], *, root_key_id: bytes = ROOT_KEY_ID) -> Macaroon:
    grouped: dict[str, list[str]] = {}
    for entity, action in permissions:
        grouped.setdefault(entity, []).append(action)
    ops = [lightning_pb2.Op(entity=entity, actions=actions) for entity, actions in grouped.items()]
    identifier = lightning_pb2.MacaroonId(nonce=secrets.token_bytes(16), storageId=root_key_id, ops=ops)
    named = bytes([IDENTIFIER_VERSION]) + identifier.SerializeToString()
    return Macaroon(named, (), _signature(root_key, named, ()))


def with_caveat(macaroon: Macaroon, caveat: str) -> Macaroon:
    """Narrow a macaroon; anyone who holds it can, without the root key."""
    added = caveat.encode()
    signature = hmac.digest(macaroon.signature, added, "sha256")
    return replace(macaroon, caveats=(*macaroon.caveats, added), signature=signature)


def parse(binary: bytes) -> Macaroon:
    """Read the binary form; Refusal in LND's words when it is none, or of another version."""
    if not binary:
        raise Refusal("empty macaroon data")
    if binary[0] != VERSION:
        raise Refusal("cannot unmarshal macaroon: unrecognized first byte")
    try:
        macaroon = _read(binary)
    except (IndexError, ValueError) as error:
        raise Refusal(f"cannot unmarshal macaroon: {error}") from error
    if not macaroon.identifier or macaroon.identifier[0] != IDENTIFIER_VERSION:
        raise Refusal("invalid ID")
    return macaroon


def check(binary: bytes, *, root_key: bytes, needed: Sequence[Permission], path: str, now_ns: int) -> None:
    """Let the call pass or raise LND's refusal: key, signature, caveats, then permissions (`uri:` last)."""
    macaroon = parse(binary)
    try:
        identifier = lightning_pb2.MacaroonId.FromString(macaroon.identifier[1:])
    except DecodeError as error:
        raise Refusal("cannot retrieve macaroon: cannot decode macaroon id") from error
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
    if condition != "time-before":
        raise Refusal(f'caveat "{caveat}" not satisfied: caveat not recognized')
    try:
        moment = datetime.fromisoformat(argument)
    except ValueError as error:
        raise Refusal(f'caveat "{caveat}" not satisfied: cannot parse time') from error
    if datetime.fromtimestamp(now_ns / 1e9, UTC) >= moment:
        raise Refusal(f'caveat "{caveat}" not satisfied: macaroon has expired')


def _signature(root_key: bytes, identifier: bytes, caveats: Sequence[bytes]) -> bytes:
    key = hmac.digest(b"macaroons-key-generator", root_key, "sha256")
    signature = hmac.digest(key, identifier, hashlib.sha256)
    for caveat in caveats:
        signature = hmac.digest(signature, caveat, hashlib.sha256)
    return signature


def _packet(field: int, data: bytes) -> bytes:
    return bytes([field]) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number >= CONTINUES:
        encoded.append(number % CONTINUES | CONTINUES)
        number >>= 7
    return bytes([*encoded, number])


def _read(binary: bytes) -> Macaroon:
    reader = _Reader(binary, 1)
    if binary[reader.position] == LOCATION:
        reader.packet(LOCATION)
    identifier = reader.packet(IDENTIFIER)
    reader.end()
    caveats: list[bytes] = []
    while binary[reader.position] != END:
        if binary[reader.position] == LOCATION:
            raise ValueError("third-party caveats are not understood")
        caveats.append(reader.packet(IDENTIFIER))
        reader.end()
    reader.end()
    return Macaroon(identifier, tuple(caveats), reader.packet(SIGNATURE))


@dataclass
class _Reader:
    binary: bytes
    position: int

    def packet(self, field: int) -> bytes:
        if self.binary[self.position] != field:
            raise ValueError(f"expected field {field}, found {self.binary[self.position]}")
        self.position += 1
        length = self._number()
        data = self.binary[self.position : self.position + length]
        if len(data) != length:
            raise ValueError("data is cut short")
        self.position += length
        return data

    def end(self) -> None:
        if self.binary[self.position] != END:
            raise ValueError("end of section expected")
        self.position += 1

    def _number(self) -> int:
        value = shift = 0
        while True:
            byte = self.binary[self.position]
            self.position += 1
            value |= byte % CONTINUES << shift
            if byte < CONTINUES:
                return value
            shift += 7
