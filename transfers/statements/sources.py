"""Whose statements can be imported, and what all apps expect in them."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date

from sunusav.core.app_modules import collect
from sunusav.core.auditing import chunks
from transfers.models import MatchedExpectation
from transfers.statement_errors import StatementSourceUnknown
from transfers.types import ExpectationSource, ExpectedLine


def known_sources() -> list[str]:
    """Return the sources in whose statements some app expects something."""
    return sorted({source for one in _all() for source in one.sources()})


def require_source(source: str) -> None:
    """Raise StatementSourceUnknown for a source of which nothing is expected."""
    known = known_sources()
    if source not in known:
        raise StatementSourceUnknown(statement_source=source, known_sources=known)


def expected_within(source: str, *, since: date, through: date) -> list[ExpectedLine]:
    """Return what is expected on these days, both included, and is not matched or resolved."""
    return _unmatched(source, [found for one in _of(source) for found in one.within(source, since, through)])


def moved_within(source: str, *, since: date, through: date) -> list[ExpectedLine]:
    """Return what the books expect in statements of these days, both included, matched or not."""
    return [found for one in _of(source) for found in one.within(source, since, through)]


def expected_by_references(source: str, references: Iterable[str]) -> list[ExpectedLine]:
    """Return what is expected under these references, whenever, and is not matched or resolved."""
    return _unmatched(source, _in_chunks(references, _of(source), lambda one: one.by_references, source))


def expected_by_keys(source: str, keys: Iterable[str]) -> list[ExpectedLine]:
    """Return what is expected under these keys, and is not matched or resolved."""
    return _unmatched(source, _in_chunks(keys, _of(source), lambda one: one.by_keys, source))


def _all() -> list[ExpectationSource]:
    return collect("expectations", "EXPECTATIONS")


def _of(source: str) -> list[ExpectationSource]:
    return [one for one in _all() if source in one.sources()]


Find = Callable[[str, Collection[str]], Iterable[ExpectedLine]]


def _in_chunks(
    wanted: Iterable[str],
    sources: Collection[ExpectationSource],
    find: Callable[[ExpectationSource], Find],
    source: str,
) -> Iterator[ExpectedLine]:
    for some in chunks(sorted({one for one in wanted if one})):
        for one in sources:
            yield from find(one)(source, some)


def _unmatched(source: str, found: Iterable[ExpectedLine]) -> list[ExpectedLine]:
    by_key = {one.key: one for one in found}
    for some in chunks(sorted(by_key)):
        matched = MatchedExpectation.objects.filter(source=source, key__in=some)
        for key in matched.values_list("key", flat=True):
            del by_key[key]
    return list(by_key.values())
