"""An invoice's contents, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum

DEFAULT_EXPIRY_SECONDS = 3600  # BOLT 11: used when no x field is given
DEFAULT_MIN_FINAL_CLTV_EXPIRY = 18  # BOLT 11: used when no c field is given


class Feature(IntEnum):
    """The even (required) bit of each pair of feature bits that an invoice may set.

    Source: BOLT 9, context column 9; AMP (30) from lightningnetwork/lnd `lnwire/features.go`.
    """

    VAR_ONION = 8
    PAYMENT_SECRET = 14
    BASIC_MPP = 16
    ROUTE_BLINDING = 24
    AMP = 30
    ATTRIBUTION_DATA = 36
    PAYMENT_METADATA = 48


@dataclass(frozen=True, slots=True)
class HopHint:
    pubkey: bytes
    short_channel_id: int
    fee_base_msat: int
    fee_proportional_millionths: int
    cltv_expiry_delta: int


@dataclass(frozen=True, slots=True)
class Fallback:
    """An on-chain address. Versions above 18 are kept but have no use."""

    version: int
    program: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDraft:
    """The values of an invoice to sign; `None` leaves a field out.

    Units: `network` is the prefix without `ln` (bc, tb, tbs, bcrt, sb); `timestamp` Unix seconds.
    """

    network: str
    timestamp: int
    payment_hash: bytes
    payment_secret: bytes
    amount_msat: int | None = None
    description: str | None = None
    description_hash: bytes | None = None
    payee: bytes | None = None
    expiry_seconds: int | None = None
    min_final_cltv_expiry: int | None = None
    features: int = 0
    route_hints: tuple[tuple[HopHint, ...], ...] = ()
    fallbacks: tuple[Fallback, ...] = ()
    metadata: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """An invoice whose checksum and signature are valid; `text` is lower case."""

    text: str
    network: str
    amount_msat: int | None
    timestamp: int
    payment_hash: bytes
    payment_secret: bytes
    description: str | None
    description_hash: bytes | None
    payee: bytes
    payee_is_stated: bool
    expiry_seconds: int
    min_final_cltv_expiry: int
    features: int
    route_hints: tuple[tuple[HopHint, ...], ...]
    fallbacks: tuple[Fallback, ...]
    metadata: bytes | None
    signature: bytes

    @property
    def expires_at_unix(self) -> int:
        return self.timestamp + self.expiry_seconds

    @property
    def created_at(self) -> datetime:
        return datetime.fromtimestamp(self.timestamp, tz=UTC)

    @property
    def expires_at(self) -> datetime:
        """Return the last moment of validity, at most the last moment that `datetime` can represent."""
        try:
            return self.created_at + timedelta(seconds=self.expiry_seconds)
        except OverflowError:
            return datetime.max.replace(tzinfo=UTC)

    def offers(self, feature: Feature) -> bool:
        """Return whether the feature is set, as required or as optional."""
        return bool(self.features >> feature & 0b11)

    def requires(self, feature: Feature) -> bool:
        return bool(self.features >> feature & 1)
