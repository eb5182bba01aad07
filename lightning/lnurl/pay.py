"""The two questions of LNURL-pay: what may be paid, and an invoice for exactly so much. Source: LUD-06, LUD-12."""

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
# Larger than any amount there can be; the services' own numbers are not trusted further than this.
MAX_MSAT = 21_000_000 * 10**11


@dataclass(frozen=True)
class PayRequest:
    """What a service says of an address, read and judged. Amounts in msat."""

    callback: str
    min_msat: int
    max_msat: int
    metadata: str
    comment_allowed: int

    @property
    def description_hash(self) -> bytes:
        """Return what the invoice's `h` field should be."""
        return sha256(self.metadata.encode(errors="surrogatepass")).digest()


@dataclass(frozen=True)
class FetchedInvoice:
    """An invoice as the service sent it, unjudged, and the hash it should be bound to."""

    payment_request: str
    description_hash: bytes


def fetch_invoice(address: PayAddress, *, amount_msat: int, comment: str, fetch: Fetch) -> FetchedInvoice:
    """Ask for an invoice of exactly this amount; the comment goes along where the service takes one so long.

    Raises: LnurlServiceRefuses, AmountOutsideServiceRange, LnurlAnswerMalformed, what forbids an address, and
    DestinationUnavailable when the service is away or does not make an invoice just now.
    """
    request = _read_pay_request(_asked(address, address.url, fetch), address)
    if not request.min_msat <= amount_msat <= request.max_msat:
        raise AmountOutsideServiceRange(
            host=address.host, amount_msat=amount_msat, min_msat=request.min_msat, max_msat=request.max_msat
        )
    answer = _asked(address, _callback(request, amount_msat, comment), fetch)
    if (reason := _error_in(answer, address)) is not None:
        # It knows the payee and takes the amount, so this is about the moment: a wallet's node that is away.
        raise DestinationUnavailable(rail=RAIL, host=address.host, detail=reason)
    text = answer.get("pr")
    if not isinstance(text, str) or not text:
        raise LnurlAnswerMalformed(host=address.host, reason="no invoice")
    return FetchedInvoice(text, request.description_hash)


def _asked(address: PayAddress, url: str, fetch: Fetch) -> Mapping[str, Any]:
    try:
        return fetch(url)
    except HostUnavailable as away:
        raise DestinationUnavailable(rail=RAIL, host=address.host, detail=away.detail) from away


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
    """Return why the service refuses, without the payee's name: it goes where names do not."""
    if str(answer.get("status", "")).upper() != "ERROR":
        return None
    given = answer.get("reason")
    words = (
        "".join(letter if letter.isprintable() else " " for letter in given) if isinstance(given, str) else ""
    )
    for personal in filter(None, (address.text, address.name)):
        words = re.sub(rf"(?<!\w){re.escape(personal)}(?!\w)", "…", words, flags=re.IGNORECASE)
    return " ".join(words.split())[:MAX_REASON_LENGTH] or "no reason given"


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
    """Refuse metadata without exactly one text/plain; entries of kinds to come may hold anything."""
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
