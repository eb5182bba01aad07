"""The two requests of LNURL-pay: the limits of an address, then an invoice for an amount. Source: LUD-06, LUD-12."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from lightning.errors import AmountOutsideServiceRange, LnurlAnswerMalformed, LnurlServiceRefuses
from lightning.lnurl.addresses import PayAddress
from sunusav.core.http import HostUnavailable
from transfers.errors import DestinationUnavailable

Fetch = Callable[[str], Mapping[str, Any]]
RAIL = "lightning"
MAX_REASON_LENGTH = 200
# No amount can be larger; a service's own limits are not trusted beyond it.
MAX_MSAT = 21_000_000 * 10**11


@dataclass(frozen=True)
class PayRequest:
    """A service's validated answer about an address. Amounts in msat."""

    callback: str
    min_msat: int
    max_msat: int
    metadata: str
    comment_allowed: int

    @property
    def description_hash(self) -> bytes:
        """Return the expected `h` field of the invoice."""
        return sha256(self.metadata.encode(errors="surrogatepass")).digest()


@dataclass(frozen=True)
class FetchedInvoice:
    """An invoice as the service sent it, not validated, and the description hash it should contain."""

    payment_request: str
    description_hash: bytes


def fetch_invoice(address: PayAddress, *, amount_msat: int, comment: str, fetch: Fetch) -> FetchedInvoice:
    """Fetch an invoice for exactly this amount; the comment is sent if the service accepts one of its length.

    Raises: LnurlServiceRefuses, AmountOutsideServiceRange, LnurlAnswerMalformed, the refusals of a web address, and
    DestinationUnavailable when the service is unreachable or cannot make an invoice now.
    """
    request = _read_pay_request(_fetched(address, address.url, fetch), address)
    if not request.min_msat <= amount_msat <= request.max_msat:
        raise AmountOutsideServiceRange(
            host=address.host, amount_msat=amount_msat, min_msat=request.min_msat, max_msat=request.max_msat
        )
    answer = _fetched(address, _callback(request, amount_msat, comment), fetch)
    if (reason := _error_in(answer, address)) is not None:
        # The service knows the payee and accepts the amount, so the cause is temporary: for example an offline wallet.
        raise DestinationUnavailable(rail=RAIL, host=address.host, detail=reason)
    text = answer.get("pr")
    if not isinstance(text, str) or not text:
        raise LnurlAnswerMalformed(host=address.host, reason="no invoice")
    return FetchedInvoice(text, request.description_hash)


def _fetched(address: PayAddress, url: str, fetch: Fetch) -> Mapping[str, Any]:
    try:
        return fetch(url)
    except HostUnavailable as error:
        raise DestinationUnavailable(rail=RAIL, host=address.host, detail=error.detail) from error


def _read_pay_request(answer: Mapping[str, Any], address: PayAddress) -> PayRequest:
    if (reason := _error_in(answer, address)) is not None:
        raise LnurlServiceRefuses(host=address.host, reason=reason)
    if answer.get("tag") != "payRequest":
        raise LnurlAnswerMalformed(host=address.host, reason="not a payRequest")
    min_msat, max_msat = (_whole(answer, name, address) for name in ("minSendable", "maxSendable"))
    if not 1 <= min_msat <= max_msat:
        raise LnurlAnswerMalformed(host=address.host, reason="minSendable above maxSendable, or below 1")
    callback, metadata = (_text(answer, name, address) for name in ("callback", "metadata"))
    _require_one_description(metadata, address)
    allowed = answer.get("commentAllowed", 0)
    return PayRequest(callback, min_msat, max_msat, metadata, allowed if type(allowed) is int else 0)


def _error_in(answer: Mapping[str, Any], address: PayAddress) -> str | None:
    """Return the service's reason to refuse, without the payee's name: logs must contain no names."""
    if str(answer.get("status", "")).upper() != "ERROR":
        return None
    given = answer.get("reason")
    text = (
        "".join(letter if letter.isprintable() else " " for letter in given) if isinstance(given, str) else ""
    )
    for personal in filter(None, (address.text, address.name)):
        text = re.sub(rf"(?<!\w){re.escape(personal)}(?!\w)", "…", text, flags=re.IGNORECASE)
    return " ".join(text.split())[:MAX_REASON_LENGTH] or "no reason given"


def _whole(answer: Mapping[str, Any], name: str, address: PayAddress) -> int:
    value = answer.get(name)
    if type(value) is not int or not 0 <= value <= MAX_MSAT:
        raise LnurlAnswerMalformed(host=address.host, reason=f"{name} is no amount in msat")
    return value


def _text(answer: Mapping[str, Any], name: str, address: PayAddress) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise LnurlAnswerMalformed(host=address.host, reason=f"{name} is no text")
    return value


def _require_one_description(metadata: str, address: PayAddress) -> None:
    """Refuse metadata without exactly one text/plain entry; entries of unknown kinds may contain anything."""
    try:
        entries = json.loads(metadata, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise LnurlAnswerMalformed(host=address.host, reason="metadata is not JSON") from error
    if not isinstance(entries, list) or not all(map(_is_entry, entries)):
        raise LnurlAnswerMalformed(host=address.host, reason="metadata is no list of entries")
    plain = [entry for entry in entries if entry[0] == "text/plain"]
    if len(plain) != 1 or len(plain[0]) < 2 or not isinstance(plain[0][1], str):  # noqa: PLR2004  (kind and text)
        raise LnurlAnswerMalformed(host=address.host, reason="metadata has not exactly one text/plain")


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, list) and bool(entry) and isinstance(entry[0], str)


def _callback(request: PayRequest, amount_msat: int, comment: str) -> str:
    base = request.callback.partition("#")[0]
    query = f"amount={amount_msat}"
    if 0 < len(comment) <= request.comment_allowed:
        query += f"&comment={quote(comment, safe='')}"
    return f"{base}{'&' if '?' in base else '?'}{query}"
