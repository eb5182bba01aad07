"""Converting currencies; a conversion is stored with the rate row it used."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction

from ledger.calculations import residue_xof, sats_from_xof, xof_charge_for_msat, xof_from_msat
from ledger.enums import ConversionKind
from ledger.errors import AmountNotConvertible, ReferenceUsed
from ledger.models import CurrencyConversion
from ledger.rates.current import francs_rate
from ledger.types import Conversion, Rate
from sunusav.core.money import MAX_SATS, MSAT_PER_SAT, msat_from_sats

# A price in francs above this is a mistake. In sats it fits a BIGINT at every plausible rate.
MAX_XOF: Final = 10**15
MAX_MSAT: Final = MAX_SATS * MSAT_PER_SAT


def convert(*, kind: ConversionKind, amount: int, rate: Rate) -> Conversion:
    """Convert at a given rate for display or a quote; nothing is stored.

    Units: the amount is in msat; the amount of a price is in francs. Rounding: a collection up; a disbursement
    down; a price down, to whole sats. Raises: AmountNotConvertible.
    """
    check_amount(kind, amount)
    if kind is ConversionKind.PRICE:
        sats = sats_from_xof(amount, rate_xof_per_btc=rate.rate_xof_per_btc)
        return Conversion(kind, msat_from_sats(sats), amount, rate)
    return Conversion(kind, amount, francs(kind)(amount, rate_xof_per_btc=rate.rate_xof_per_btc), rate)


def record_conversion(*, kind: ConversionKind, amount: int, reference: str, now: datetime) -> Conversion:
    """Convert at the rate that may move francs now and store it; the same reference returns what is stored.

    Raises: AmountNotConvertible, RateNotFresh, ReferenceUsed.
    """
    check_amount(kind, amount)
    stored = CurrencyConversion.objects.filter(reference=reference).select_related("rate").first()
    if stored is None:
        stored = _append(convert(kind=kind, amount=amount, rate=francs_rate(now)), reference, now)
    stored_amount = stored.amount_xof if kind is ConversionKind.PRICE else stored.amount_msat
    if (stored.kind, stored_amount) != (kind.value, amount):
        raise ReferenceUsed(reference=reference, stored_id=stored.pk)
    return stored.value


def left_over_xof(conversion: Conversion) -> Decimal:
    """Return what the msat of a conversion are worth above its francs, exactly; below zero if these were rounded up."""
    return residue_xof(
        conversion.amount_msat, paid_xof=conversion.amount_xof,
        rate_xof_per_btc=conversion.rate.rate_xof_per_btc,
    )  # fmt: skip


def _append(conversion: Conversion, reference: str, now: datetime) -> CurrencyConversion:
    try:
        with transaction.atomic():
            return CurrencyConversion.objects.create(
                reference=reference, kind=conversion.kind, amount_msat=conversion.amount_msat,
                amount_xof=conversion.amount_xof, rate_id=conversion.rate.id,
                is_fallback_allowed=settings.FALLBACK_RATE_MOVES_FRANCS, converted_at=now,
            )  # fmt: skip
    except IntegrityError:
        return CurrencyConversion.objects.select_related("rate").get(reference=reference)


def check_amount(kind: ConversionKind, amount: int) -> None:
    """Refuse an amount that is not whole, negative or too large. Raises: AmountNotConvertible."""
    limit, currency = (MAX_XOF, "XOF") if kind is ConversionKind.PRICE else (MAX_MSAT, "msat")
    if type(amount) is not int or not 0 <= amount <= limit:
        raise AmountNotConvertible(amount=amount, currency=currency)


def francs(kind: ConversionKind) -> Callable[..., int]:
    """Return the function that converts msat to francs with the rounding of this kind."""
    return xof_charge_for_msat if kind is ConversionKind.COLLECTION else xof_from_msat


def expected_amounts(conversion: CurrencyConversion, rate_xof_per_btc: Decimal) -> tuple[int, int]:
    """Return the msat and francs that a stored conversion should have at this rate, for the auditor."""
    kind = ConversionKind(conversion.kind)
    if kind is ConversionKind.PRICE:
        sats = sats_from_xof(conversion.amount_xof, rate_xof_per_btc=rate_xof_per_btc)
        return msat_from_sats(sats), conversion.amount_xof
    xof = francs(kind)(conversion.amount_msat, rate_xof_per_btc=rate_xof_per_btc)
    return conversion.amount_msat, xof
