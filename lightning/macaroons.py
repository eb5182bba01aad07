"""Read LND's macaroons, and judge whether one fits its errand. Nothing here can tell whether a node accepts it.

Binary format V2, operations inside the identifier, caveats that narrow it. Needs neither Django nor settings.
Source: lightningnetwork/lnd macaroons/service.go, gopkg.in/macaroon.v2; lightning.md section 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from google.protobuf.message import DecodeError

from lightning.access_scopes import NEEDED, AccessScope
from lightning.proto import lightning_pb2
from lightning.proto.methods import METHODS

Permission = tuple[str, str]  # entity, action; ("uri", path) opens one method

VERSION, IDENTIFIER_VERSION = 2, 3
END, LOCATION, IDENTIFIER, SIGNATURE = 0, 1, 2, 6
CONTINUES = 0x80  # the bit of a varint byte that says that another follows

URI, READ, GENERATE = "uri", "read", "generate"
HARMLESS_READS = frozenset({("info", READ), ("offchain", READ), ("invoices", READ)})
# What can be done with the rights that no process of ours needs.
DANGERS = {
    ("offchain", "write"): "may delete payments, abandon channels and change fees",
    ("info", "write"): "may stop the node",
    ("invoices", "write"): "may make, settle and cancel invoices",
    "onchain": "reaches the node's on-chain money",
    "address": "reaches the node's on-chain money",
    "macaroon": "may make or revoke macaroons",
    "peers": "may change the node's peers",
    "signer": "may sign with the node's keys",
    "message": "may sign messages as the node",
}
# The conditions that LND itself understands; others need a program that stands before it.
CONDITIONS = ("time-before", "ipaddr", "iprange")


class MacaroonUnreadable(ValueError):
    """These bytes are no macaroon that LND would read."""


class IdentifierUnreadable(MacaroonUnreadable):
    """The macaroon is one, but LND's list of operations is not in it."""


@dataclass(frozen=True)
class Macaroon:
    """A right to call: whoever holds it has it, so it is never shown."""

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
class Verdict:
    """What a macaroon may do for its errand. Only `wider` leaves it fit for use."""

    may: tuple[str, ...]
    missing: tuple[str, ...]
    too_much: tuple[str, ...]
    wider: tuple[str, ...]
    conditions: tuple[str, ...]

    @property
    def is_fit(self) -> bool:
        return not (self.missing or self.too_much)


def read_macaroon(binary: bytes) -> Macaroon:
    """Read the binary form. Raises: MacaroonUnreadable, in LND's words."""
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


def verdict_on(macaroon: Macaroon, errand: AccessScope, *, now: datetime) -> Verdict:
    """Compare what a macaroon grants with what its errand needs.

    Raises: IdentifierUnreadable.
    """
    granted, conditions = macaroon.granted(), macaroon.conditions()
    may = [
        method
        for method in NEEDED[errand]
        if (URI, method.path) in granted or set(method.permissions) <= granted
    ]
    surplus = sorted(granted - {(URI, method.path) for method in NEEDED[errand]})
    return Verdict(
        may=tuple(method.name for method in may),
        missing=(
            *(method.name for method in NEEDED[errand] if method not in may),
            *_obstacles(conditions, now),
        ),
        too_much=tuple(
            f"{_written(right)}: {danger}" for right in surplus if (danger := _danger_of(right, errand))
        ),
        wider=tuple(_written(right) for right in surplus if not _danger_of(right, errand)),
        conditions=conditions,
    )


def _danger_of(right: Permission, errand: AccessScope) -> str:
    """Say why this right must not be in the errand's macaroon; nothing when it only tells more than needed."""
    entity, action = right
    if entity == URI:
        return _danger_of_calling(action)
    if right in HARMLESS_READS or (errand is AccessScope.INVOICING and right == ("invoices", "write")):
        return ""
    if action == GENERATE:
        return DANGERS["macaroon"]
    return DANGERS.get(right) or DANGERS.get(entity) or "is unknown to us"


def _danger_of_calling(path: str) -> str:
    method = METHODS.get(path)
    if method is None:
        return "is none of our methods"
    return "" if set(method.permissions) <= HARMLESS_READS else "changes something that is not of this errand"


def _obstacles(conditions: tuple[str, ...], now: datetime) -> Iterator[str]:
    """Name the caveats because of which LND refuses every call."""
    for condition in conditions:
        name, _, argument = condition.partition(" ")
        if name not in CONDITIONS:
            yield f"everything: LND does not know the caveat {name}"
        elif name == "time-before" and not _is_after(argument, now):
            yield f"everything: expired or unreadable, {condition}"


def _is_after(moment: str, now: datetime) -> bool:
    try:
        return datetime.fromisoformat(moment) > now
    except (ValueError, TypeError):
        return False


def _written(right: Permission) -> str:
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
