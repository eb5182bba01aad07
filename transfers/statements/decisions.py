"""Match the lines of a statement with what was expected. Pure, and independent of the order of its input.

Each line and each expectation ends in exactly one group. Units: francs, exactly.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Final

from transfers.statement_enums import ItemCode, MatchMethod
from transfers.types import ExpectedLine, FoundLine

NOTHING: Final = Decimal(0)
# A line with more expectations of its amount than this fits none of them by a rule: nobody could tell them apart.
MOST_ALIKE: Final = 200
Fits = Callable[[FoundLine, ExpectedLine], bool]


@dataclass(frozen=True)
class Group:
    """Lines and expectations that belong together."""

    lines: tuple[FoundLine, ...] = ()
    expected: tuple[ExpectedLine, ...] = ()
    method: MatchMethod | None = None
    rule: int | None = None

    @property
    def found_xof(self) -> Decimal:
        return sum((line.amount_xof for line in self.lines), NOTHING)

    @property
    def expected_xof(self) -> Decimal:
        return sum((one.amount_xof for one in self.expected), NOTHING)

    @property
    def difference_xof(self) -> Decimal:
        """Return how much more was found than expected."""
        return self.found_xof - self.expected_xof

    @property
    def key(self) -> str:
        """Return what identifies this group: the first expectation, or the first line where there is none."""
        return self.expected[0].key if self.expected else f"line:{self.lines[0].key}"

    @property
    def code(self) -> ItemCode | None:
        """Return how the two differ; None for a match."""
        if self.method is not None:
            return None
        if not self.expected:
            return ItemCode.UNEXPECTED
        return ItemCode.MISMATCHED if self.lines else ItemCode.MISSING


@dataclass(frozen=True)
class Rule:
    """What lines and expectations without a common reference may be matched by: amount, days, and a text."""

    key: int
    tolerance_xof: Decimal = NOTHING
    days: int = 0
    text: str = ""

    def fits(self, line: FoundLine, one: ExpectedLine) -> bool:
        days = abs(line.happened_on - one.happened_on)
        return (
            abs(line.amount_xof - one.amount_xof) <= self.tolerance_xof
            and days <= timedelta(days=self.days)
            and self.text.casefold() in line.text.casefold()
        )


@dataclass
class _Remaining:
    """What is not matched yet, in a fixed order."""

    lines: list[FoundLine] = field(default_factory=list)
    expected: list[ExpectedLine] = field(default_factory=list)

    def take(self, pairs: Iterable[tuple[FoundLine, ExpectedLine]]) -> list[tuple[FoundLine, ExpectedLine]]:
        """Take these pairs out; return them."""
        taken = list(pairs)
        lines, expected = {line.key for line, _ in taken}, {one.key for _, one in taken}
        self.lines = [line for line in self.lines if line.key not in lines]
        self.expected = [one for one in self.expected if one.key not in expected]
        return taken


def judge(
    lines: Iterable[FoundLine],
    expected: Iterable[ExpectedLine],
    *,
    tolerance_xof: Decimal = NOTHING,
    rules: Sequence[Rule] = (),
) -> list[Group]:
    """Return the groups of all lines and expectations.

    First by reference: equal amounts, one within the tolerance, then sums of one side. What has no reference in common
    with the other side is matched by the rules in their order, each only where one line and one expectation fit nobody
    else. Everything left is mismatched, missing or unexpected, by itself unless it shares a reference.
    """
    groups: list[Group] = []
    rest = _Remaining()
    for found in _tied_by_reference(lines, expected):
        if found.lines and found.expected:
            groups += _by_reference(found, tolerance_xof)
        else:
            rest.lines += found.lines
            rest.expected += found.expected
    rest.lines.sort(key=attrgetter("key"))
    rest.expected.sort(key=attrgetter("key"))
    for rule in rules:
        pairs = rest.take(_only_pairs(rest, rule.tolerance_xof, rule.fits))
        groups += [Group((line,), (one,), MatchMethod.RULE, rule.key) for line, one in pairs]
    return sorted([*groups, *_alone(rest)], key=attrgetter("key"))


def _alone(rest: _Remaining) -> Iterator[Group]:
    yield from (Group(lines=(line,)) for line in rest.lines)
    yield from (Group(expected=(one,)) for one in rest.expected)


def _by_reference(found: _Remaining, tolerance_xof: Decimal) -> Iterator[Group]:
    """Yield the groups of lines and expectations that share references."""
    pairs = found.take(_equal_pairs(found))
    pairs += found.take(_only_pairs(found, tolerance_xof, _always))
    yield from (Group((line,), (one,), MatchMethod.REFERENCE) for line, one in pairs)
    if not (found.lines and found.expected):
        yield from _alone(found)
        return
    rest = Group(tuple(found.lines), tuple(found.expected))
    is_one_to_many = min(len(rest.lines), len(rest.expected)) == 1
    adds_up = is_one_to_many and abs(rest.difference_xof) <= tolerance_xof
    yield replace(rest, method=MatchMethod.SUM) if adds_up else rest


def _always(line: FoundLine, one: ExpectedLine) -> bool:
    return True


def _equal_pairs(found: _Remaining) -> Iterator[tuple[FoundLine, ExpectedLine]]:
    """Yield lines and expectations of equal amounts, each once, those of one amount in their order."""
    waiting: dict[Decimal, list[ExpectedLine]] = {}
    for one in reversed(found.expected):
        waiting.setdefault(one.amount_xof, []).append(one)
    for line in found.lines:
        if waiting.get(line.amount_xof):
            yield line, waiting[line.amount_xof].pop()


def _only_pairs(
    found: _Remaining, tolerance_xof: Decimal, fits: Fits
) -> Iterator[tuple[FoundLine, ExpectedLine]]:
    """Yield the pairs within the tolerance that fit, where neither of the two fits anybody else."""
    of_line = _choices(found, tolerance_xof, fits)
    wanted: dict[str, int] = {}
    for ones in of_line.values():
        for one in ones:
            wanted[one.key] = wanted.get(one.key, 0) + 1
    for line in found.lines:
        ones = of_line[line.key]
        if len(ones) == 1 and wanted[ones[0].key] == 1:
            yield line, ones[0]


def _choices(found: _Remaining, tolerance_xof: Decimal, fits: Fits) -> dict[int, list[ExpectedLine]]:
    """Return the expectations within the tolerance that fit each line."""
    by_amount = sorted(found.expected, key=attrgetter("amount_xof", "key"))
    amounts = [one.amount_xof for one in by_amount]
    choices = {}
    for line in found.lines:
        first = bisect_left(amounts, line.amount_xof - tolerance_xof)
        last = bisect_right(amounts, line.amount_xof + tolerance_xof)
        alike = by_amount[first:last] if last - first <= MOST_ALIKE else []
        choices[line.key] = [one for one in alike if fits(line, one)]
    return choices


def _tied_by_reference(lines: Iterable[FoundLine], expected: Iterable[ExpectedLine]) -> Iterable[_Remaining]:
    """Return what shares references, directly or by others; what has none is by itself."""
    ties = _Ties()
    found: dict[str, _Remaining] = {}
    in_order = sorted(lines, key=attrgetter("key")), sorted(expected, key=attrgetter("key"))
    names = [_names(f"line:{line.key}", (line.reference,)) for line in in_order[0]]
    names += [_names(f"expected:{one.key}", one.references) for one in in_order[1]]
    for together in names:
        ties.join(together)
    for line in in_order[0]:
        found.setdefault(ties.root(f"line:{line.key}"), _Remaining()).lines.append(line)
    for one in in_order[1]:
        found.setdefault(ties.root(f"expected:{one.key}"), _Remaining()).expected.append(one)
    return found.values()


def _names(own: str, references: Iterable[str]) -> list[str]:
    return [own, *(f"reference:{reference}" for reference in references if reference)]


class _Ties:
    """Names that are tied to each other, in sets that are joined."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def root(self, name: str) -> str:
        while (parent := self._parents.setdefault(name, name)) != name:
            self._parents[name] = name = self._parents[parent]
        return name

    def join(self, names: Sequence[str]) -> None:
        first = self.root(names[0])
        for name in names[1:]:
            self._parents[self.root(name)] = first
