"""A receipt as it is read: headings, labels and values in the reader's language."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext, override

from ledger.queries import shown_xof_from_sats
from sunusav.backoffice.facts import instant, show_code
from sunusav.backoffice.money import show_bps, show_number, show_rate, show_sats, show_xof
from sunusav.core.calendar import DAKAR
from transfers.document_queries import receipt_kind
from transfers.types import IssuedReceiptFacts, ReceiptKind, ReceiptRow, RowFormat

FRENCH: Final = "fr"
LANGUAGES: Final = (FRENCH, "en")


@dataclass(frozen=True)
class Line:
    """One line: its label, its value, and on the right the equivalent in francs."""

    label: str
    value: str
    equivalent: str = ""
    is_share: bool = False
    is_total: bool = False
    is_hash: bool = False


@dataclass(frozen=True)
class Block:
    """Lines under one heading."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Paper:
    """Everything that is written on a receipt.

    `warning` is empty unless the payment came back since; `state` says how it stands now, where the kind tells it.
    """

    language: str
    title: str
    number: str
    issued: str
    issued_at: datetime
    issuer: str
    issuer_lines: tuple[str, ...]
    blocks: tuple[Block, ...]
    notes: tuple[str, ...]
    warning: str
    state: str


def paper_of(receipt: IssuedReceiptFacts, *, language: str) -> Paper:
    """Return a receipt as it is read in that language, the amounts in francs at the rate that it stores."""
    what = receipt_kind(receipt.kind)
    with override(language):
        return Paper(
            language=language, title=str(what.title), number=receipt.number,
            issued=gettext("Issued on %(at)s, time of Dakar") % {"at": instant(receipt.issued_at)},
            issued_at=receipt.issued_at, issuer=receipt.issuer.legal_name,
            issuer_lines=(
                *receipt.issuer.address.splitlines(),
                gettext("NINEA %(ninea)s") % {"ninea": receipt.issuer.ninea},
            ),
            blocks=tuple(
                Block(str(part.heading), tuple(_lines(receipt, what, part.rows))) for part in what.parts
            ),
            notes=tuple(map(str, what.notes)) or tuple(_notes(receipt.facts)), warning=_warning(what, receipt),
            state=what.state(what.key_of(receipt.subject)) if what.state else "",
        )  # fmt: skip


def _lines(receipt: IssuedReceiptFacts, what: ReceiptKind, rows: tuple[ReceiptRow, ...]) -> Iterator[Line]:
    """Yield the lines of one part; the tax follows what contains it, or the total where nothing is charged."""
    last = _tax_follows(what, rows)
    for place, row in enumerate(rows):
        yield from _line(row, receipt.facts)
        if place == last:
            yield _tax_line(receipt, what)


def _tax_follows(what: ReceiptKind, rows: tuple[ReceiptRow, ...]) -> int | None:
    """Return the place after which the tax is shown: behind what contains it, with its shares."""
    if not (what.taxed or what.tells_tax):
        return None
    places = [n for n, row in enumerate(rows) if (row.fact == what.taxed if what.taxed else row.is_total)]
    if not places:
        return None
    last = places[0]
    while last + 1 < len(rows) and rows[last + 1].is_share:
        last += 1
    return last


def _line(row: ReceiptRow, facts: Mapping[str, Any]) -> Iterator[Line]:
    value = facts.get(row.fact)
    if value in (None, "", []):
        return
    has_equivalent = row.format is RowFormat.SATS and "rate_xof_per_btc" in facts
    yield Line(
        str(row.label), _written(row.format, value, facts), _francs(value, facts) if has_equivalent else "",
        is_share=row.is_share, is_total=row.is_total, is_hash=row.format is RowFormat.HASH,
    )  # fmt: skip


def _written(how: RowFormat, value: Any, facts: Mapping[str, Any]) -> str:
    if how is RowFormat.RATE and facts["is_fallback_rate"]:
        return f"{_WRITTEN[how](value)} ({gettext('fallback rate')})"
    return _WRITTEN[how](value)


def _francs(sats: int, facts: Mapping[str, Any]) -> str:
    return show_xof(shown_xof_from_sats(sats, rate_xof_per_btc=Decimal(facts["rate_xof_per_btc"])))


def _tax_line(receipt: IssuedReceiptFacts, what: ReceiptKind) -> Line:
    rate = {"rate": show_bps(receipt.tax_rate_bps)}
    label = gettext("of which VAT %(rate)s") if what.taxed else gettext("VAT %(rate)s: nothing is charged")
    return Line(
        label % rate, show_sats(receipt.tax_sats), _francs(receipt.tax_sats, receipt.facts), is_share=True
    )


def _notes(facts: Mapping[str, Any]) -> Iterator[str]:
    yield gettext("Booked are the sats; amounts in francs beside them are equivalents at the rate shown.")
    if facts.get("preimage"):
        yield gettext("The SHA-256 hash of the preimage is the payment hash: this proves that it was paid.")


def _warning(what: ReceiptKind, receipt: IssuedReceiptFacts) -> str:
    if what.is_reversed is None or not what.is_reversed(what.key_of(receipt.subject)):
        return ""
    return gettext("This payment came back and was reversed. The receipt is no longer valid.")


_WRITTEN: Final[Mapping[RowFormat, Callable[[Any], str]]] = {
    RowFormat.TEXT: str,
    RowFormat.HASH: str,
    RowFormat.CODE: show_code,
    RowFormat.SATS: show_sats,
    RowFormat.XOF: show_xof,
    RowFormat.MOMENT: lambda text: instant(parse_datetime(text)),
    RowFormat.MONTH: lambda text: date_format(localtime(parse_datetime(text), DAKAR), "F Y"),
    RowFormat.COUNT: show_number,
    RowFormat.RATE: lambda text: show_rate(Decimal(text)),
    RowFormat.NUMBERS: lambda numbers: ", ".join(str(number) for number in numbers),
}
