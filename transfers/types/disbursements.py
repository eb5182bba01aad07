"""A payment as apps above request it and read it, and where it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from fees.types import PricedFor
from ledger.types import AccountRef, Money
from sunusav.core.money import sats_from_msat
from sunusav.core.sealing import canonical
from transfers.enums import HoldFrom


@dataclass(frozen=True)
class Destination:
    """Where money goes. `kind` is one the rail knows: bolt11, lightning_address, lnurl, phone."""

    rail: str
    kind: str
    value: str = field(repr=False)


@dataclass(frozen=True)
class SealedDestination:
    """A destination as it is stored: its value is encrypted under the key of `person_ref`."""

    rail: str
    kind: str
    person_ref: str
    sealed_value: bytes = field(repr=False)


@dataclass(frozen=True)
class MaskedDestination:
    """A destination as people see it; an ellipsis once the person's data was erased."""

    rail: str
    kind: str
    masked_value: str


@dataclass(frozen=True)
class Choice:
    """A destination of a payment, and when it last became another payee's."""

    destination: Destination
    replaced_at: datetime | None = None


@dataclass(frozen=True)
class DisbursementRequest:
    """What an app above requests, with all that the apps below need to price and book it.

    `payout_msat` is taken from `debit`. `priced_for` is None for payments without a fee. `residue` is credited with
    what whole francs leave over; None: it stays with `debit`. `pay_xof` fixes what a rail in francs pays, without a
    conversion: only for one without a fee. `choices` are one destination or two: the second is paid when the first was
    finally refused. `payee_ref` is the payee for the limits ("user:awa"); empty: every subject is a payee of its own.
    Destinations and orders are encrypted under the key of `person_ref` ("member:awa"); empty: of the payee. So is
    `sealed_name`, the name of who is paid by phone: a provider that knows its customers may compare it.
    `hold_from`: when the amount is held. `approved_digest`, if an approval stands behind it: `request_digest` of then.
    """

    subject: str
    payout_msat: int
    debit: AccountRef
    priced_for: PricedFor | None
    choices: tuple[Choice, ...]
    scheduled_at: datetime | None = None
    payee_ref: str = ""
    person_ref: str = ""
    sealed_name: bytes | None = field(default=None, repr=False)
    residue: AccountRef | None = None
    pay_xof: int | None = None
    hold_from: HoldFrom = HoldFrom.BEGINNING
    approved_digest: str = ""

    @property
    def payee(self) -> str:
        """Whom the limits count."""
        return self.payee_ref or self.subject

    @property
    def person(self) -> str:
        """Under whose key its destinations are encrypted."""
        return self.person_ref or self.payee


def approval_digest(
    *, payee_ref: str, payout_msat: int, pay_xof: int | None, destination_digests: Sequence[str]
) -> str:
    """Return the digest of payee, amounts and destinations, in their order."""
    facts = {
        "payee": payee_ref, "payout_msat": payout_msat, "pay_xof": pay_xof,
        "destinations": list(destination_digests),
    }  # fmt: skip
    return sha256(canonical(facts)).hexdigest()


@dataclass(frozen=True)
class Deferral:
    """Why a payment may not go now, and until when; `until` is None where waiting cannot help and a person decides."""

    code: str
    facts: dict[str, Any]
    until: datetime | None


@dataclass(frozen=True)
class Failure:
    """Why a row failed, waits or is under review: a code and its facts. No code: for no reason.

    `waits_for` is what a payment under review waits for, a `ReviewWait`; otherwise it is empty.
    """

    code: str
    facts: dict[str, Any]
    waits_for: str = ""


@dataclass(frozen=True)
class DisbursementFacts:
    """A disbursement as other apps read it.

    `pay_xof` is what a rail in francs pays, once it is fixed; `paid`, what the live or last order pays. `cost` is None
    before it is paid, and where the provider did not state it.
    """

    id: int
    subject: str
    state: str
    payout_msat: int
    net_msat: int | None
    fee_msat: int | None
    pay_xof: int | None
    paid: Money | None
    assessment_id: int | None
    destinations: tuple[SealedDestination, ...]
    scheduled_at: datetime
    due_at: datetime | None
    requested_at: datetime
    completed_at: datetime | None
    failure: Failure
    attempts_made: int
    rail: str
    reference: str
    proof: str
    cost: Money | None

    @property
    def payout_sats(self) -> int:
        """What leaves the account to debit. Rounding: down."""
        return sats_from_msat(self.payout_msat)

    @property
    def net_sats(self) -> int | None:
        """What the payee gets, once it is fixed. Rounding: down."""
        return None if self.net_msat is None else sats_from_msat(self.net_msat)

    @property
    def fee_sats(self) -> int | None:
        """The fee, once it is fixed. Fees are whole sats."""
        return None if self.fee_msat is None else sats_from_msat(self.fee_msat)

    @property
    def destination(self) -> SealedDestination:
        """The first choice."""
        return self.destinations[0]


@dataclass(frozen=True)
class UnderReview:
    """A disbursement under review, why, and since when."""

    disbursement_id: int
    code: str
    since: datetime


@dataclass(frozen=True)
class LimitRelation:
    """What counts against the limits today: what was sent, the most to one payee, the last hour, and what waits."""

    sent_today: int
    largest_msat: int
    largest_payee_msat: int
    last_hour_msat: int
    waiting: int
