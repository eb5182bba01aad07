"""Match a source's lines with what is expected, and store matches and differences. Nothing is booked."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.auditing import chunks
from sunusav.core.bulk import AT_ONCE, insert, insert_all
from sunusav.core.transitions import move_all
from transfers.models import (
    MatchedExpectation,
    MatchedLine,
    StatementImport,
    StatementItem,
    StatementLine,
    StatementMatch,
)
from transfers.statement_enums import ITEM_TRANSITIONS, STATEMENT_ITEM, ItemCode, ItemState
from transfers.statements.decisions import Group, Rule, judge
from transfers.statements.queries import amount_fact, exact, format_of, keys_of, open_items, rules_of
from transfers.statements.sources import expected_by_keys, expected_by_references, expected_within
from transfers.types import ExpectedLine, FoundLine

MATCHING: Final = Actor.system("transfers.statements")
# Held while anything about statements is written.
STATEMENTS_LOCK: Final = "statements"
# The partner's clock and ours may put a payment around midnight on different days.
AROUND_THE_DAYS: Final = timedelta(days=3)
_CLOSED_AS: Final = {
    ItemState.EXPLAINED: "explain_item", ItemState.MERGED: "merge_item", ItemState.LAPSED: "lapse_item",
}  # fmt: skip


def subject_of(item_id: int) -> str:
    return f"{STATEMENT_ITEM}:{item_id}"


def match_source(source: str, *, now: datetime, statement: StatementImport | None = None) -> Counter[str]:
    """Match the new lines of a statement and those of open differences; return how many groups there are of each kind.

    Without a statement only open differences are matched again, with what was booked since. Missing is what is expected
    on the days of the statement. The caller holds `STATEMENTS_LOCK` in its transaction.
    """
    before = list(open_items(source).order_by("pk"))
    rules = [Rule(row.pk, row.tolerance_xof, row.days, row.text) for row in rules_of(source)]
    lines = _lines(statement, before)
    expected = _expected(source, lines, before, statement, rules)
    groups = judge(lines, expected, tolerance_xof=format_of(source).tolerance_xof, rules=rules)
    matched = [group for group in groups if group.method is not None]
    differing = _due(groups, before, statement)
    store_matches(source, matched, items=_items_explained(matched, before), now=now)
    _store_items(source, differing, matched, before, now=now)
    return Counter(group.code.value if group.code else "matched" for group in [*matched, *differing])


def _lines(statement: StatementImport | None, before: Iterable[StatementItem]) -> list[FoundLine]:
    keys = sorted({key for item in before for key in item.lines})
    rows = [row for some in chunks(keys) for row in StatementLine.objects.filter(pk__in=some)]
    if statement is not None:
        rows += StatementLine.objects.filter(statement=statement)
    return [found_line(row) for row in rows]


def found_line(row: StatementLine) -> FoundLine:
    return FoundLine(row.pk, row.reference, row.amount_xof, row.happened_at.date(), row.text)


def _expected(
    source: str,
    lines: Iterable[FoundLine],
    before: Iterable[StatementItem],
    statement: StatementImport | None,
    rules: Sequence[Rule],
) -> list[ExpectedLine]:
    found = [
        *expected_by_references(source, (line.reference for line in lines)),
        *expected_by_keys(source, keys_of(before)),
    ]
    if statement is not None:
        around = max([AROUND_THE_DAYS, *(timedelta(days=rule.days) for rule in rules)])
        found += expected_within(source, since=statement.since - around, through=statement.through + around)
    return list({one.key: one for one in found}.values())


def _due(
    groups: Iterable[Group], before: Iterable[StatementItem], statement: StatementImport | None
) -> list[Group]:
    """Return the groups that differ: of what has no line only that which a statement should have had."""
    known = set(keys_of(before))
    return [
        group
        for group in groups
        if group.method is None
        and (group.code is not ItemCode.MISSING or group.key in known or _is_within(group, statement))
    ]


def _is_within(group: Group, statement: StatementImport | None) -> bool:
    day: date = group.expected[0].happened_on
    return statement is not None and statement.since <= day <= statement.through


def _parts(group: Group) -> set[str]:
    return {*(f"line:{line.key}" for line in group.lines), *(one.key for one in group.expected)}


def _parts_of(item: StatementItem) -> set[str]:
    return {*(f"line:{key}" for key in item.lines), *(one["key"] for one in item.expected)}


def _items_explained(matched: Iterable[Group], before: Iterable[StatementItem]) -> dict[str, StatementItem]:
    """Return, by the key of a match, the open difference that it explains."""
    owners = {part: item for item in before for part in _parts_of(item)}
    return {group.key: owners[part] for group in matched for part in sorted(_parts(group)) if part in owners}


def store_matches(
    source: str, groups: Sequence[Group], *, items: Mapping[str, StatementItem], now: datetime
) -> list[StatementMatch]:
    """Store matches with their parts; `items` has, by key, the difference that one explains."""
    rows = [
        StatementMatch(
            source=source, key=f"{source}:{group.key}", method=group.method or "", rule_id=group.rule,
            item=items.get(group.key), difference_xof=group.difference_xof, matched_at=now,
        )
        for group in groups
    ]  # fmt: skip
    insert_all(rows, by="key")
    pairs = list(zip(rows, groups, strict=True))
    insert([MatchedLine(match=row, line_id=line.key) for row, group in pairs for line in group.lines])
    insert([
        MatchedExpectation(
            match=row, source=source, key=one.key, amount_xof=one.amount_xof, subject=one.subject
        )
        for row, group in pairs
        for one in group.expected
    ])  # fmt: skip
    return rows


def _store_items(
    source: str,
    differing: Sequence[Group],
    matched: Iterable[Group],
    before: Sequence[StatementItem],
    *,
    now: datetime,
) -> None:
    groups = {group.key: group for group in differing}
    kept = [item for item in before if item.key in groups]
    _close([item for item in before if item.key not in groups], matched, differing, now=now)
    _change([(item, groups[item.key]) for item in kept], now=now)
    known = {item.key for item in kept}
    _open(source, [group for key, group in groups.items() if key not in known], now=now)


def _close(
    items: Iterable[StatementItem], matched: Iterable[Group], differing: Iterable[Group], *, now: datetime
) -> None:
    """Close what is matched now, what became a part of another difference, and what is expected no longer."""
    in_matches = {part for group in matched for part in _parts(group)}
    in_others = {part for group in differing for part in _parts(group)}
    ended: dict[ItemState, list[StatementItem]] = {state: [] for state in _CLOSED_AS}
    for item in items:
        parts = _parts_of(item)
        merged = ItemState.MERGED if parts & in_others else ItemState.LAPSED
        ended[ItemState.EXPLAINED if parts & in_matches else merged].append(item)
    for state, rows in ended.items():
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            move_all(
                some, state, among=StatementItem.objects.filter(pk__in=[row.pk for row in some]),
                allowed=ITEM_TRANSITIONS, subject_of=subject_of, action=_CLOSED_AS[state], actor=MATCHING, at=now,
                closed_at=now,
            )  # fmt: skip


def _values(group: Group) -> dict[str, Any]:
    """Return what a difference keeps of its group."""
    references = [line.reference for line in group.lines] + [
        name for one in group.expected for name in one.references
    ]
    return {
        "code": group.code.value if group.code else "",
        "reference": next((reference for reference in references if reference), ""),
        "subject": group.expected[0].subject if group.expected else "",
        "expected_xof": group.expected_xof, "found_xof": group.found_xof,
        "at_stake_xof": abs(group.difference_xof), "lines": [line.key for line in group.lines],
        "expected": [_expected_facts(one) for one in group.expected],
    }  # fmt: skip


def _expected_facts(one: ExpectedLine) -> dict[str, Any]:
    return {
        "key": one.key, "references": list(one.references), "amount_xof": exact(one.amount_xof),
        "happened_on": one.happened_on.isoformat(), "subject": one.subject,
    }  # fmt: skip


def expected_of(item: StatementItem) -> list[ExpectedLine]:
    """Return what a difference keeps of its expectations."""
    return [
        ExpectedLine(
            one["key"], tuple(one["references"]), Decimal(one["amount_xof"]), date.fromisoformat(one["happened_on"]),
            one["subject"],
        )
        for one in item.expected
    ]  # fmt: skip


def _change(pairs: Iterable[tuple[StatementItem, Group]], *, now: datetime) -> None:
    """Write down what became of differences that stay open; nothing for those that are as they were."""
    entries = []
    for item, group in pairs:
        values = _values(group)
        if all(getattr(item, name) == value for name, value in values.items()):
            continue
        StatementItem.objects.filter(pk=item.pk, state=ItemState.OPEN).update(**values)
        entries.append(_entry(item.pk, "change_item", values, now))
    trail.record_all(entries)


def _open(source: str, groups: Sequence[Group], *, now: datetime) -> None:
    rows = [StatementItem(source=source, key=group.key, opened_at=now, **_values(group)) for group in groups]
    insert_all(rows, by="key")
    trail.record_all([
        _entry(row.pk, "open_item", _values(group), now) for row, group in zip(rows, groups, strict=True)
    ])  # fmt: skip


def _entry(item_id: int, action: str, values: Mapping[str, Any], now: datetime) -> trail.TrailFact:
    amounts = ("expected_xof", "found_xof")
    facts = {"item_code": values["code"], **{name: amount_fact(values[name]) for name in amounts}}
    return trail.TrailFact(subject_of(item_id), action, MATCHING, now, facts=facts)
