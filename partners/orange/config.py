"""The variables of Orange Money. What its documents leave unconfirmed is a setting here (docs/partners/orange.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from partners.config import NotConfigured, Secret, number, secret, text

LIVE_URL: Final = "https://api.orange-sonatel.com"
PADDINGS: Final = ("pkcs1v15", "oaep")
NINE_DIGITS: Final = re.compile(r"\d{9}")
SIX_DIGITS: Final = re.compile(r"\d{6}")
# A longer call could not end within the time in which a payment must leave.
LONGEST_TIMEOUT_SECONDS: Final = 15


@dataclass(frozen=True)
class OrangeConfig:
    """Our account and keys at Orange. Amounts are whole francs; 0 as the most means that no limit is known.

    `token_life_seconds` is the longest life of an access token with which money is sent: a sender that was frozen can
    still be accepted while its token lives.
    """

    url: str
    client_id: str
    client_secret: Secret
    retailer: str
    pin: Secret
    merchant: str
    merchant_name: str
    x_api_key: Secret
    callback_url: str
    rsa_padding: str
    wallet: str
    balance_wallet: str
    token_life_seconds: int
    timeout_seconds: int
    least_payout_xof: int
    most_payout_xof: int
    least_request_xof: int
    checks_recipient: bool
    checks_name: bool

    @property
    def client(self) -> str:
        """The id of our application. Raises: NotConfigured."""
        if not self.client_id:
            raise NotConfigured("ORANGE_CLIENT_ID is not set")
        return self.client_id

    @property
    def msisdn(self) -> str:
        """Our retailer number, nine digits. Raises: NotConfigured."""
        return _matching("ORANGE_MSISDN", self.retailer, NINE_DIGITS)

    @property
    def merchant_code(self) -> str:
        """Our merchant code, six digits. Raises: NotConfigured."""
        return _matching("ORANGE_MERCHANT_CODE", self.merchant, SIX_DIGITS)

    @property
    def padding(self) -> str:
        """How the PIN is padded before it is encrypted. Raises: NotConfigured."""
        if self.rsa_padding not in PADDINGS:
            raise NotConfigured(f"ORANGE_RSA_PADDING is none of {', '.join(PADDINGS)}")
        return self.rsa_padding


def orange_config() -> OrangeConfig:
    """Return the configuration of this process; what is missing is refused by the call that needs it.

    Raises: ValueError that names a variable with an impossible value.
    """
    return OrangeConfig(
        url=text("ORANGE_URL", LIVE_URL).rstrip("/"),
        client_id=text("ORANGE_CLIENT_ID", ""),
        client_secret=secret("ORANGE_API_KEY"),
        retailer=text("ORANGE_MSISDN", ""),
        pin=secret("ORANGE_PIN"),
        merchant=text("ORANGE_MERCHANT_CODE", ""),
        merchant_name=text("ORANGE_MERCHANT_NAME", "SunuSav"),
        x_api_key=secret("ORANGE_X_API_KEY"),
        callback_url=text("ORANGE_CALLBACK_URL", ""),
        rsa_padding=text("ORANGE_RSA_PADDING", "pkcs1v15"),
        wallet=text("ORANGE_WALLET", ""),
        balance_wallet=text("ORANGE_BALANCE_WALLET", "PRINCIPAL"),
        token_life_seconds=number("ORANGE_TOKEN_LIFE_SECONDS", 299),
        timeout_seconds=_timeout_seconds(),
        least_payout_xof=number("ORANGE_LEAST_PAYOUT_XOF", 1),
        most_payout_xof=number("ORANGE_MOST_PAYOUT_XOF", 0),
        least_request_xof=number("ORANGE_LEAST_REQUEST_XOF", 10),
        checks_recipient=_choice("ORANGE_RECIPIENT_CHECK", "on", "off") == "on",
        checks_name=_choice("ORANGE_NAME_CHECK", "off", "refuse") == "refuse",
    )


def _timeout_seconds() -> int:
    seconds = number("ORANGE_TIMEOUT_SECONDS", 10)
    if not 0 < seconds <= LONGEST_TIMEOUT_SECONDS:
        raise ValueError(f"ORANGE_TIMEOUT_SECONDS must be between 1 and {LONGEST_TIMEOUT_SECONDS}")
    return seconds


def _choice(variable: str, default: str, other: str) -> str:
    chosen = text(variable, default)
    if chosen not in (default, other):
        raise ValueError(f"{variable} must be {default} or {other}")
    return chosen


def _matching(variable: str, value: str, pattern: re.Pattern[str]) -> str:
    if not pattern.fullmatch(value):
        raise NotConfigured(f"{variable} is not set, or not of its form")
    return value
