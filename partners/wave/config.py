"""What this process knows about our wallet at Wave, from the environment."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import date

from django.conf import settings

from partners.config import Secret, number, secret, text

NAME = "wave"
REFUSE, OFF = "refuse", "off"
FINGERPRINT_DIGITS = 16
# A send, with its connection and a body that comes slowly, ends within the 20 s of its deadline.
LONGEST_TIMEOUT_SECONDS = 7


@dataclass(frozen=True)
class WaveAccess:
    """A key of one wallet, and the secret that signs its calls, if the key was made with one."""

    key: Secret
    signing_secret: Secret
    wallet: str

    @property
    def source(self) -> str:
        """Name the wallet, as orders and requests store it: as the operator does, or else by its key.

        Raises: NotConfigured.
        """
        key = self.key.value().encode()
        if self.wallet:
            return f"{NAME}:{self.wallet}"
        digest = hmac.digest(bytes.fromhex(settings.INVOICE_PREIMAGE_KEY), b"wave-wallet:" + key, "sha256")
        return f"{NAME}:key-{digest.hex()[:FINGERPRINT_DIGITS]}"


@dataclass(frozen=True)
class WaveConfig:
    """The variables named WAVE_*. `payouts` pays, and only the worker of the queue `payouts` has its key."""

    url: str
    country: str
    payouts: WaveAccess
    checkout: WaveAccess
    compares_names: bool
    timeout_seconds: int
    statement_from: date | None

    @classmethod
    def from_environment(cls) -> WaveConfig:
        """Read the variables. Raises: ValueError that names one with an impossible value."""
        wallet = text("WAVE_WALLET", "")
        return cls(
            url=text("WAVE_URL", "https://api.wave.com").rstrip("/"),
            country=text("WAVE_COUNTRY", "SN"),
            payouts=WaveAccess(secret("WAVE_API_KEY"), secret("WAVE_SIGNING_SECRET"), wallet),
            checkout=WaveAccess(
                secret("WAVE_CHECKOUT_API_KEY"), secret("WAVE_CHECKOUT_SIGNING_SECRET"), wallet
            ),
            compares_names=_compares_names(),
            timeout_seconds=_timeout_seconds(),
            statement_from=_statement_from(),
        )


def _timeout_seconds() -> int:
    seconds = number("WAVE_TIMEOUT_SECONDS", LONGEST_TIMEOUT_SECONDS)
    if not 0 < seconds <= LONGEST_TIMEOUT_SECONDS:
        raise ValueError(f"WAVE_TIMEOUT_SECONDS must be between 1 and {LONGEST_TIMEOUT_SECONDS}")
    return seconds


def _compares_names() -> bool:
    chosen = text("WAVE_NAME_CHECK", REFUSE)
    if chosen not in (REFUSE, OFF):
        raise ValueError(f"WAVE_NAME_CHECK must be {REFUSE} or {OFF}")
    return chosen == REFUSE


def _statement_from() -> date | None:
    given = text("WAVE_STATEMENT_FROM", "")
    try:
        return date.fromisoformat(given) if given else None
    except ValueError:
        raise ValueError("WAVE_STATEMENT_FROM must be a day such as 2026-11-27") from None
