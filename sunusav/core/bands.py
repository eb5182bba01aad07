"""How many people must approve a proposal, and in which role: the bands in force for its kind and its amount.

All bands that apply count together: the most approvals of any, and every role that one names. So no band makes
another one weaker; a version with one approval and no role takes its effect away.
Bands of another currency do not apply to an amount: an approval never depends on an exchange rate.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sunusav.core.models import EVERY_KIND, ApprovalBand
from sunusav.core.money import Currency, Money, msat_from_sats

Facts = Mapping[str, Any]
AmountOf = Callable[[Facts], Money | None]

_READERS: dict[str, Callable[[int], Money]] = {
    "msat": lambda value: Money(value, Currency.MSAT),
    "sats": lambda value: Money(msat_from_sats(value), Currency.MSAT),
    "xof": lambda value: Money(value, Currency.XOF),
}


@dataclass(frozen=True)
class Requirement:
    """How many people must approve, and the roles that each of them must have; `bands` are those that ask for it."""

    approvals_needed: int
    roles: frozenset[str]
    bands: tuple[ApprovalBand, ...]

    @property
    def band(self) -> ApprovalBand:
        """The band that asks for the most: of equal ones the kind's own, then the one from the highest amount."""
        return max(
            self.bands, key=lambda band: (band.approvals_needed, band.kind != EVERY_KIND, band.from_amount)
        )


def no_amount(facts: Facts) -> Money | None:
    """Return no amount: only bands without an amount apply."""
    return None


def amount_in(*names: str) -> AmountOf:
    """Return a function that reads the amount from the first of these facts; the fact's name ends in its unit."""
    readers = {name: _READERS[name.rpartition("_")[2]] for name in names}

    def amount_of(facts: Facts) -> Money | None:
        found = [read(facts[name]) for name, read in readers.items() if isinstance(facts.get(name), int)]
        return found[0] if found else None

    return amount_of


def amount_with_currency(facts: Facts) -> Money | None:
    """Read the facts `amount` and `currency`."""
    value = facts.get("amount")
    return Money(value, Currency(facts["currency"])) if isinstance(value, int) else None


@dataclass(frozen=True)
class Versions:
    """All versions of the bands, by version. People make each, so there are few."""

    rows: tuple[ApprovalBand, ...]

    @classmethod
    def read(cls) -> Self:
        return cls(tuple(ApprovalBand.objects.select_related("request", "proposal").order_by("version")))

    def in_force(self, at: datetime | None = None) -> list[ApprovalBand]:
        """Return the newest version of each band, of all or at a moment."""
        newest = {band.key: band for band in self.rows if at is None or band.effective_at <= at}
        return sorted(newest.values(), key=lambda band: band.key)


def bands_in_force(at: datetime | None = None) -> list[ApprovalBand]:
    """Return the newest version of each band, of all or at a moment."""
    return Versions.read().in_force(at)


def requirement(kind: str, amount: Money | None, bands: Iterable[ApprovalBand]) -> Requirement:
    """Return what these bands ask for together of a proposal of that kind and amount."""
    applying = tuple(band for band in bands if applies(band, kind, amount))
    return Requirement(
        approvals_needed=max(band.approvals_needed for band in applying),
        roles=frozenset(band.role for band in applying if band.role),
        bands=applying,
    )


def applies(band: ApprovalBand, kind: str, amount: Money | None) -> bool:
    """Return whether a band applies to proposals of that kind and amount, in whichever direction it goes."""
    if band.kind not in {EVERY_KIND, kind}:
        return False
    if not band.currency:
        return True
    return amount is not None and band.currency == amount.currency and abs(amount.amount) >= band.from_amount


def strictest(found: Collection[Requirement]) -> Requirement:
    """Return what several moments ask for together."""
    return Requirement(
        approvals_needed=max(one.approvals_needed for one in found),
        roles=frozenset().union(*(one.roles for one in found)),
        bands=tuple(band for one in found for band in one.bands),
    )
