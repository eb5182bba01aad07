"""Read a Lightning Address or an LNURL, which a winner may give instead of an invoice. No network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from lightning.bolt11 import Bolt11Error
from lightning.bolt11.bech32 import bytes_of, split
from lightning.errors import LightningAddressUnreadable, LnurlUnreadable
from sunusav.core.http import checked_address, url_of

MAX_NAME_LENGTH = 64  # RFC 5321 4.5.3.1.1
MAX_LNURL_LENGTH = 4_000
_URI_SCHEME = "lightning:"
# LUD-16; `+` begins a tag and is neither the first nor the last character.
_NAME = re.compile(r"[a-z0-9\-_.]+(\+[a-z0-9\-_.]+)*")
_BECH32_PREFIX = "lnurl"
_PAY_SCHEME = "lnurlp://"
# LUD-17 schemes of other protocols, and LUD-04's login: none of them is for payments.
_OTHER_SCHEMES = ("lnurlw://", "lnurlc://", "keyauth://")


@dataclass(frozen=True)
class PayAddress:
    """A destination from which an invoice is fetched. `text` is its canonical form.

    `name` is the part that may be a person's name.
    """

    text: str
    url: str
    host: str
    name: str = ""


def read_lightning_address(text: str) -> PayAddress:
    """Read `name@domain` as a person typed it.

    Raises: LightningAddressUnreadable, AddressForbidden, OnionAddressUnsupported. Source: LUD-16.
    """
    name, at, domain = _without_scheme(text).lower().partition("@")
    if not (at and domain) or "@" in domain or set("/?#") & set(domain):
        raise LightningAddressUnreadable(reason="not-name-at-domain")
    if len(name) > MAX_NAME_LENGTH or not _NAME.fullmatch(name) or not name.strip("."):
        raise LightningAddressUnreadable(reason="name-not-allowed")
    url = url_of(domain, f"/.well-known/lnurlp/{name}")
    address = checked_address(url)
    return PayAddress(f"{name}@{address.authority}", url, address.host, name)


def read_lnurl(text: str) -> PayAddress:
    """Read a payment link: bech32 (`lnurl1…`, all lower or all upper case) or `lnurlp://`.

    Raises: LnurlUnreadable, AddressForbidden, OnionAddressUnsupported. Source: LUD-01, 17.
    """
    pasted = _without_scheme(text)
    if len(pasted) > MAX_LNURL_LENGTH:
        raise LnurlUnreadable(reason="too-long")
    lower = pasted.lower()
    if lower.startswith(_OTHER_SCHEMES):
        raise LnurlUnreadable(reason="not-for-paying")
    if lower.startswith(_PAY_SCHEME):
        authority, slash, rest = pasted[len(_PAY_SCHEME) :].partition("/")
        return _pay_address(url_of(authority, f"{slash}{rest}"))
    return _pay_address(_url_in(pasted))


def _pay_address(url: str) -> PayAddress:
    address = checked_address(url)
    if "tag" in parse_qs(urlsplit(address.target).query):
        # LUD-01: a tag in the URL itself belongs to another protocol (login).
        raise LnurlUnreadable(reason="not-for-paying")
    canonical = f"{address.scheme}://{address.authority}{address.target}"
    return PayAddress(canonical, canonical, address.host)


def _url_in(bech32: str) -> str:
    """Return the URL in a bech32 text. Raises: LnurlUnreadable."""
    lower = bech32.lower()
    if not lower.startswith(f"{_BECH32_PREFIX}1"):
        raise LnurlUnreadable(reason="not-an-lnurl")
    if bech32 not in (lower, bech32.upper()):
        raise LnurlUnreadable(reason="mixed-case")
    try:
        prefix, digits = split(lower)
        url = bytes_of(digits).decode("ascii")
    except UnicodeError as error:
        raise LnurlUnreadable(reason="character-not-allowed") from error
    except Bolt11Error as error:
        raise LnurlUnreadable(reason=error.reason.replace("invoice-", "")) from error
    if prefix != _BECH32_PREFIX:
        raise LnurlUnreadable(reason="not-an-lnurl")
    return url


def _without_scheme(text: str) -> str:
    text = text.strip()
    return text[len(_URI_SCHEME) :] if text[: len(_URI_SCHEME)].lower() == _URI_SCHEME else text
