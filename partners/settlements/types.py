"""Frozen values of settlements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from fees.types import Accrued


@dataclass(frozen=True)
class Window:
    """The number of a partner's window, and its calendar month in Dakar, half-open."""

    sequence: int
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Carried:
    """What the window before left over: its sats in msat, and exactly what they are worth. Below zero: owed to us."""

    amount_msat: int
    amount_xof: Decimal


@dataclass(frozen=True)
class Closing:
    """What a window comes to. Units: sats, msat, francs; decimals are exact.

    `due_xof` is paid, and takes `settled_msat` from the partner's reserve. The residue opens the next window.
    """

    accrued: Accrued
    accrued_xof: Decimal
    carried: Carried
    due_xof: int
    settled_msat: int
    residue_msat: int
    residue_xof: Decimal


@dataclass(frozen=True)
class StatusTotals:
    """How many settlements, and what they come to. Units: francs that are due; sats that they settle, rounded down."""

    count: int
    amount_xof: int
    amount_sats: int


@dataclass(frozen=True)
class SettlementsSummary:
    """All settlements, or those of one partner, by state and by partner."""

    total: StatusTotals
    by_status: Mapping[str, StatusTotals]
    by_partner: Mapping[str, StatusTotals]


@dataclass(frozen=True)
class PartnerDue:
    """Windows of a partner that have ended and are not proposed yet, the first one first."""

    partner: str
    windows: tuple[Window, ...]


@dataclass(frozen=True)
class SettlementFacts:
    """A settlement as people and clients see it. Units: sats that accrued, francs that are due; the residue is exact.

    `proposal_id` and `digest` are those of the proposal that waits, or that was decided last; without one nothing was
    due. `payout_id` is its newest payment by a rail. `executed_at` is when it was paid, or found to be nothing.
    """

    id: int
    partner: str
    period_start: datetime
    period_end: datetime
    amount_sats: int
    amount_xof: int
    residue_xof: Decimal
    status: str
    created_at: datetime
    executed_at: datetime | None
    proposal_id: int | None
    digest: str
    payout_id: int | None


@dataclass(frozen=True)
class RegisteredAccount:
    """The account that a partner's settlements are paid to, masked; `digest` tells accounts apart."""

    id: int
    rail: str
    kind: str
    masked_value: str
    holder: str
    digest: str


@dataclass(frozen=True)
class PaidBy:
    """How a settlement was paid: by which rail, or by the bank (no rail), and on which day in Dakar."""

    rail: str
    reference: str
    paid_on: date
