"""Read and narrow LND's macaroons, and compare their rights with an access scope.

Binary format V2: the identifier lists the operations, caveats restrict them. Whether a node accepts one, only the node
knows. Needs neither Django nor settings.
Source: lightningnetwork/lnd macaroons/service.go, gopkg.in/macaroon.v2.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from google.protobuf.message import DecodeError

from lightning.access_scopes import NEEDED, AccessScope
from lightning.proto import lightning_pb2
from lightning.proto.methods import METHODS

Permission = tuple[str, str]  # entity, action; ("uri", path) allows one method

VERSION, IDENTIFIER_VERSION = 2, 3
END, LOCATION, IDENTIFIER, SIGNATURE = 0, 1, 2, 6
CONTINUES = 0x80  # this bit of a varint byte is set when another byte follows

URI, READ, GENERATE = "uri", "read", "generate"
HARMLESS_READS = frozenset({("info", READ), ("offchain", READ), ("invoices", READ)})
# What the holder of a right that none of our processes needs can do.
DANGERS = {
    ("offchain", "write"): "may delete payments, abandon channels and change fees",
    ("info", "write"): "may stop the node",
    ("invoices", "write"): "may make, settle and cancel invoices",
    "onchain": "reaches the node's on-chain funds",
    "address": "reaches the node's on-chain funds",
    "macaroon": "may make or revoke macaroons",
    "peers": "may change the node's peers",
    "signer": "may sign with the node's keys",
    "message": "may sign messages as the node",
}
# The caveats that LND checks itself; any other needs an RPC middleware.
TIME_BEFORE = "time-before"
CONDITIONS = (TIME_BEFORE, "ipaddr", "iprange")


class MacaroonUnreadable(ValueError):
    """LND would not accept these bytes as a macaroon."""


class IdentifierUnreadable(MacaroonUnreadable):
    """The macaroon is well formed, but its identifier does not contain LND's list of operations."""


@dataclass(frozen=True)
class Macaroon:
    """A bearer credential: its parts are left out of `repr`."""

    identifier: bytes = field(repr=False)
    caveats: tuple[bytes, ...] = field(repr=False)
    signature: bytes = field(repr=False)

    def contents(self) -> lightning_pb2.MacaroonId:
        """Return root key id and operations. Raises: IdentifierUnreadable."""
        try:
            return lightning_pb2.MacaroonId.FromString(self.identifier[1:])
        except DecodeError as error:
            raise IdentifierUnreadable("cannot decode macaroon id") from error

    def granted(self) -> frozenset[Permission]:
        return frozenset((op.entity, action) for op in self.contents().ops for action in op.actions)

    def conditions(self) -> tuple[str, ...]:
        return tuple(caveat.decode(errors="replace") for caveat in self.caveats)


@dataclass(frozen=True)
class Assessment:
    """A macaroon's rights compared with its scope. Surplus rights that only read leave it fit for use."""

    allowed: tuple[str, ...]
    missing: tuple[str, ...]
    forbidden: tuple[str, ...]
    surplus: tuple[str, ...]
    conditions: tuple[str, ...]

    @property
    def is_fit(self) -> bool:
        return not (self.missing or self.forbidden)


def read_macaroon(binary: bytes) -> Macaroon:
    """Read the binary form. Raises: MacaroonUnreadable, with LND's own error texts."""
    if not binary:
        raise MacaroonUnreadable("empty macaroon data")
    if binary[0] != VERSION:
        raise MacaroonUnreadable("cannot unmarshal macaroon: unrecognized first byte")
    try:
        macaroon = _read(binary)
    except (IndexError, ValueError) as error:
        raise MacaroonUnreadable(f"cannot unmarshal macaroon: {error}") from error
    if not macaroon.identifier or macaroon.identifier[0] != IDENTIFIER_VERSION:
        raise MacaroonUnreadable("invalid ID")
    return macaroon


def serialized(macaroon: Macaroon) -> bytes:
    """Return the binary form."""
    parts = [
        bytes([VERSION]),
        _packet(LOCATION, b"lnd"),
        _packet(IDENTIFIER, macaroon.identifier),
        bytes([END]),
    ]
    parts += [_packet(IDENTIFIER, caveat) + bytes([END]) for caveat in macaroon.caveats]
    return b"".join([*parts, bytes([END]), _packet(SIGNATURE, macaroon.signature)])


def with_caveat(macaroon: Macaroon, caveat: str) -> Macaroon:
    """Add a caveat to a macaroon. Anyone who holds it can do so, without the root key."""
    added = caveat.encode()
    return replace(macaroon, caveats=(*macaroon.caveats, added), signature=chained(macaroon.signature, added))


def chained(signature: bytes, caveat: bytes) -> bytes:
    """Return the signature of a macaroon after one more caveat."""
    return hmac.digest(signature, caveat, "sha256")


def time_before(not_after: datetime) -> str:
    """Return the caveat with which a node refuses a macaroon from this moment on, by its own clock.

    Source: macaroon-bakery `checkers.TimeBeforeCaveat`, which LND uses: RFC 3339 with a fraction, in UTC.
    """
    moment = not_after.astimezone(UTC).replace(tzinfo=None)
    return f"{TIME_BEFORE} {moment.isoformat(timespec='microseconds')}Z"


def narrowed(binary: bytes, not_after: datetime) -> bytes:
    """Add a moment from which the node refuses this macaroon. Raises: MacaroonUnreadable."""
    return serialized(with_caveat(read_macaroon(binary), time_before(not_after)))


def assess(macaroon: Macaroon, scope: AccessScope, *, now: datetime) -> Assessment:
    """Compare what a macaroon grants with what its scope needs.

    Raises: IdentifierUnreadable.
    """
    granted, conditions = macaroon.granted(), macaroon.conditions()
    allowed = [
        method
        for method in NEEDED[scope]
        if (URI, method.path) in granted or set(method.permissions) <= granted
    ]
    others = sorted(granted - {(URI, method.path) for method in NEEDED[scope]})
    return Assessment(
        allowed=tuple(method.name for method in allowed),
        missing=(
            *(method.name for method in NEEDED[scope] if method not in allowed),
            *_failing_caveats(conditions, now),
        ),
        forbidden=tuple(
            f"{_text_of(right)}: {danger}" for right in others if (danger := _danger_of(right, scope))
        ),
        surplus=tuple(_text_of(right) for right in others if not _danger_of(right, scope)),
        conditions=conditions,
    )


def _danger_of(right: Permission, scope: AccessScope) -> str:
    """Return why this right must not be in the scope's macaroon; "" when it only reads more than needed."""
    entity, action = right
    if entity == URI:
        return _danger_of_calling(action)
    if right in HARMLESS_READS or (scope is AccessScope.INVOICING and right == ("invoices", "write")):
        return ""
    if action == GENERATE:
        return DANGERS["macaroon"]
    return DANGERS.get(right) or DANGERS.get(entity) or "is not a right we know"


def _danger_of_calling(path: str) -> str:
    method = METHODS.get(path)
    if method is None:
        return "is not a method we know"
    return "" if set(method.permissions) <= HARMLESS_READS else "changes something outside this scope"


def _failing_caveats(conditions: tuple[str, ...], now: datetime) -> Iterator[str]:
    """Return the caveats that make LND refuse every call."""
    for condition in conditions:
        name, _, argument = condition.partition(" ")
        if name not in CONDITIONS:
            yield f"everything: LND does not know the caveat {name}"
        elif name == TIME_BEFORE and not _is_later(argument, now):
            yield f"everything: expired or unreadable, {condition}"


def _is_later(moment: str, now: datetime) -> bool:
    try:
        return datetime.fromisoformat(moment) > now
    except (ValueError, TypeError):
        return False


def _text_of(right: Permission) -> str:
    return ":".join(right)


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


def _packet(field_number: int, data: bytes) -> bytes:
    return bytes([field_number]) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number >= CONTINUES:
        encoded.append(number % CONTINUES | CONTINUES)
        number >>= 7
    return bytes([*encoded, number])


@dataclass
class _Reader:
    binary: bytes
    position: int

    def packet(self, field_number: int) -> bytes:
        if self.binary[self.position] != field_number:
            raise ValueError(f"expected field {field_number}, found {self.binary[self.position]}")
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
