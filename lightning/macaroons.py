"""Read and narrow LND's macaroons, and compare their rights with an access scope.

The identifier lists the operations, caveats restrict them. Whether a node accepts one, only the node knows. Needs
neither Django nor settings.
Source: lightningnetwork/lnd macaroons/service.go.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from google.protobuf.message import DecodeError

from lightning import macaroon_format as form
from lightning.access_scopes import NEEDED, AccessScope
from lightning.macaroon_format import MacaroonUnreadable
from lightning.proto import lightning_pb2
from lightning.proto.methods import METHODS

Permission = tuple[str, str]  # entity, action; ("uri", path) allows one method

IDENTIFIER_VERSION = 3

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
            text = "cannot unmarshal macaroon id: proto: cannot parse invalid wire-format data"
            raise IdentifierUnreadable(text) from error

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
    """Read the binary form. Raises: MacaroonUnreadable, with LND's own error texts.

    LND reads caveats for third parties, and then refuses each macaroon that has one.
    """
    fields = form.read_fields(binary)
    if fields.version != form.V2:
        raise MacaroonUnreadable(f"unknown macaroon version: v{fields.version}")
    if not fields.identifier or fields.identifier[0] != IDENTIFIER_VERSION:
        raise MacaroonUnreadable("invalid ID")
    if any(verification_id for _, verification_id in fields.caveats):
        raise MacaroonUnreadable("a caveat for a third party, which LND cannot verify")
    return Macaroon(fields.identifier, tuple(caveat for caveat, _ in fields.caveats), fields.signature)


def serialized(macaroon: Macaroon) -> bytes:
    """Return the binary form."""
    end = bytes([form.END])
    header = form.packet(form.LOCATION, b"lnd") + form.packet(form.IDENTIFIER, macaroon.identifier) + end
    caveats = (form.packet(form.IDENTIFIER, caveat) + end for caveat in macaroon.caveats)
    signature = form.packet(form.SIGNATURE, macaroon.signature)
    return b"".join([bytes([form.V2]), header, *caveats, end, signature])


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


def missing_methods(macaroon: Macaroon, scope: AccessScope) -> tuple[str, ...]:
    """Return the names of the scope's methods that a macaroon does not grant. Raises: IdentifierUnreadable."""
    granted = macaroon.granted()
    return tuple(
        method.name
        for method in NEEDED[scope]
        if (URI, method.path) not in granted and not set(method.permissions) <= granted
    )


def assess(macaroon: Macaroon, scope: AccessScope, *, now: datetime) -> Assessment:
    """Compare what a macaroon grants with what its scope needs.

    Raises: IdentifierUnreadable.
    """
    granted, conditions = macaroon.granted(), macaroon.conditions()
    missing = missing_methods(macaroon, scope)
    others = sorted(granted - {(URI, method.path) for method in NEEDED[scope]})
    return Assessment(
        allowed=tuple(method.name for method in NEEDED[scope] if method.name not in missing),
        missing=(*missing, *_failing_caveats(conditions, now)),
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
