"""The code that a winner scans to claim a withdrawal: LNURL-withdraw (LUD-01, LUD-03, LUD-17)."""

from django.conf import settings
from django.urls import reverse

from lightning.bolt11.bech32 import digits_of_bytes, join
from transfers.types import WithdrawalCode

HUMAN_READABLE_PART = "lnurl"
WITHDRAW_SCHEME = "lnurlw"


def withdrawal_code(secret: str) -> WithdrawalCode:
    """Return the code and the link that contain a withdrawal's secret.

    Source: LUD-01 (bech32 of the address, without a length limit), LUD-17 (the scheme `lnurlw`).
    """
    address = settings.PUBLIC_BASE_URL + reverse("lnurl-withdraw", args=[secret])
    link = f"{WITHDRAW_SCHEME}://{address.partition('://')[2]}"
    return WithdrawalCode(text=lnurl_of(address), link=link)


def lnurl_of(address: str) -> str:
    """Return an address as LNURL in upper case, which needs the smallest QR code."""
    return join(HUMAN_READABLE_PART, digits_of_bytes(address.encode())).upper()
