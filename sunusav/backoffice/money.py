"""Amounts as people read them: digits grouped in threes, always with their unit."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.utils.formats import get_format

from sunusav.core.money import MSAT_PER_SAT

NOTHING = "–"
# French typography: U+202F groups digits, U+00A0 ties a number to its unit, U+2212 is the minus sign.
GROUP, TIE, MINUS = "\u202f", "\u00a0", "\u2212"
PER_CENT_BPS = Decimal(100)
PER_CENT_PPM = Decimal(10_000)


def show_sats(amount_sats: int | None) -> str:
    """Show an amount in sats."""
    return NOTHING if amount_sats is None else f"{_grouped(amount_sats)}{TIE}sats"


def show_number(number: int) -> str:
    """Show a number that counts rows."""
    return _grouped(number)


def show_msat(amount_msat: int | None) -> str:
    """Show an amount in msat as sats, with thousandths if there are any."""
    if amount_msat is None:
        return NOTHING
    whole, rest = divmod(abs(amount_msat), MSAT_PER_SAT)
    thousandths = f"{_point()}{rest:03}" if rest else ""
    return f"{_sign(amount_msat)}{_grouped(whole)}{thousandths}{TIE}sats"


def show_xof(amount_xof: int | Decimal | None) -> str:
    """Show an amount in francs."""
    return NOTHING if amount_xof is None else f"{_decimal(Decimal(amount_xof))}{TIE}F{TIE}CFA"


def show_rate(rate_xof_per_btc: Decimal | None) -> str:
    """Show the price of a bitcoin in francs."""
    return NOTHING if rate_xof_per_btc is None else f"{show_xof(rate_xof_per_btc)}{TIE}/{TIE}BTC"


def show_bps(rate_bps: int | None) -> str:
    """Show a rate in basis points as per cent."""
    return NOTHING if rate_bps is None else f"{_decimal(rate_bps / PER_CENT_BPS)}{TIE}%"


def show_ppm(rate_ppm: int | None) -> str:
    """Show a rate in parts per million as per cent."""
    return NOTHING if rate_ppm is None else f"{_decimal(rate_ppm / PER_CENT_PPM)}{TIE}%"


def show_per_cent(per_cent: Decimal, *, signed: bool = False) -> str:
    """Show a number that is in per cent already; where asked, with a plus."""
    plus = "+" if signed and per_cent > 0 else ""
    return f"{plus}{_decimal(per_cent)}{TIE}%"


def show_in(currency: str, amount: int | None) -> str:
    """Show an amount of the ledger in its currency, "msat" or "XOF"."""
    return {"msat": show_msat, "XOF": show_xof}[currency](amount)


SHOWN_BY_UNIT: dict[str, Callable[[Any], str]] = {
    "_xof_per_btc": show_rate,
    "_sats": show_sats,
    "_msat": show_msat,
    "_xof": show_xof,
    "_bps": show_bps,
    "_ppm": show_ppm,
}


def _grouped(whole: int) -> str:
    return f"{_sign(whole)}{abs(whole):,}".replace(",", GROUP)


def _decimal(number: Decimal) -> str:
    whole, _, rest = f"{abs(number.normalize()):f}".partition(".")
    return f"{_sign(number)}{_grouped(int(whole))}{_point() + rest if rest else ''}"


def _sign(number: int | Decimal) -> str:
    return MINUS if number < 0 else ""


def _point() -> str:
    return str(get_format("DECIMAL_SEPARATOR"))
