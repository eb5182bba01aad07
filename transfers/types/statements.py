"""Lines of partners' statements, and what apps expect in them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

# The source of the statements of our bank; the others are rails and collectors by their names.
BANK_SOURCE: Final = "bank"


@dataclass(frozen=True)
class FoundLine:
    """A line of a statement. Units: francs, exactly; what reaches us is positive, what leaves us negative."""

    key: int
    reference: str
    amount_xof: Decimal
    happened_on: date
    text: str = ""


@dataclass(frozen=True)
class ExpectedLine:
    """What the books expect in a statement of one source.

    `key` is unique among all that the source's statements may have, and never changes: `attempt:17`. Any of the
    `references` may stand in the statement; `subject` is what the line is about. Units: as `FoundLine`.
    """

    key: str
    references: tuple[str, ...]
    amount_xof: Decimal
    happened_on: date
    subject: str


@dataclass(frozen=True)
class ExpectationSource:
    """What an app expects in statements: it lists this in `EXPECTATIONS` of its `expectations.py`.

    `prefix` begins its keys. `sources` returns the sources in whose statements it expects something. The other
    functions get one of these: `within` the first and the last day, both included, `by_references` and `by_keys` what
    to look for; the last two get a few hundred at a time, and answer by an index.
    """

    prefix: str
    sources: Callable[[], Collection[str]]
    within: Callable[[str, date, date], Iterable[ExpectedLine]]
    by_references: Callable[[str, Collection[str]], Iterable[ExpectedLine]]
    by_keys: Callable[[str, Collection[str]], Iterable[ExpectedLine]]
