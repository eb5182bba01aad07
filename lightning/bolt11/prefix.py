"""The human-readable part: network and amount."""

from __future__ import annotations

import re

from lightning.bolt11.errors import (
    AmountAboveSupply,
    AmountFinerThanMsat,
    AmountUnreadable,
    DraftInvalid,
    NetworkUnknown,
    PrefixNotLightning,
)

NETWORKS = ("bcrt", "tbs", "bc", "tb", "sb")  # longer first: "bcrt" begins with "bc"
MSAT_PER_BTC = 10**11
MAX_AMOUNT_MSAT = 21_000_000 * MSAT_PER_BTC
_PICO = "p"
_MSAT_PER_UNIT = {"": MSAT_PER_BTC, "m": 10**8, "u": 10**5, "n": 100}
_NETWORK = re.compile(f"ln({'|'.join(NETWORKS)})(?![a-z])(.*)", re.ASCII)
_AMOUNT = re.compile(r"([1-9][0-9]{0,20})([munp]?)", re.ASCII)


def read_prefix(prefix: str) -> tuple[str, int | None]:
    """Return network and amount of a prefix such as `lnbc2500u`.

    Units: msat; None when no amount is given.
    """
    if not prefix.startswith("ln"):
        raise PrefixNotLightning("the text does not begin with ln")
    match = _NETWORK.fullmatch(prefix)
    if match is None:
        raise NetworkUnknown(f"{prefix[:12]} names no known network")
    network, amount = match.groups()
    return network, _msat_of(amount) if amount else None


def _msat_of(amount: str) -> int:
    match = _AMOUNT.fullmatch(amount)
    if match is None:
        raise AmountUnreadable(f"{amount[:24]} is not a BOLT 11 amount")
    number, unit = int(match[1]), match[2]
    if unit == _PICO:
        number, rest = divmod(number, 10)
        if rest:
            raise AmountFinerThanMsat("an amount in pico-bitcoin must end in 0")
        msat = number
    else:
        msat = number * _MSAT_PER_UNIT[unit]
    if msat > MAX_AMOUNT_MSAT:
        raise AmountAboveSupply("the amount exceeds the supply of bitcoin")
    return msat


def write_prefix(network: str, amount_msat: int | None) -> str:
    """Return the prefix with the amount in its shortest form."""
    if network not in NETWORKS:
        raise DraftInvalid(f"unknown network {network}")
    if amount_msat is None:
        return f"ln{network}"
    if not 0 < amount_msat <= MAX_AMOUNT_MSAT:
        raise DraftInvalid("the amount must be positive and at most the supply of bitcoin")
    for unit, msat in _MSAT_PER_UNIT.items():
        if amount_msat % msat == 0:
            return f"ln{network}{amount_msat // msat}{unit}"
    return f"ln{network}{amount_msat * 10}{_PICO}"
