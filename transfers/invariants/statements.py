"""Statements: each line is matched or in one open difference, amounts follow from lines, and two people resolved."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from django.db.models import Sum

from sunusav.core.auditing import AuditScope, Breach, pages, rows_since
from sunusav.core.models import Approval, ProposalState
from transfers.models import (
    MatchedExpectation,
    MatchedLine,
    ResolvedItem,
    StatementImport,
    StatementItem,
    StatementLine,
    StatementMatch,
)
from transfers.statement_enums import STATEMENT_ITEM, ItemCode, ItemState, MatchMethod
from transfers.statements.matching import expected_of, subject_of
from transfers.statements.queries import open_items

CODE: Final = "I32"
NOTHING: Final = Decimal(0)


def lines_are_matched_or_open(scope: AuditScope) -> Iterator[Breach]:
    """Yield each line that is neither matched nor in an open difference, or is in both."""
    in_items = {key for item in open_items() for key in item.lines}
    for statements in pages(rows_since(StatementImport.objects.all(), "imported_at", scope.since)):
        lines = StatementLine.objects.filter(statement__in=statements).select_related("matched")
        for some in pages(lines):
            for line in some:
                if hasattr(line, "matched") is (line.pk in in_items):
                    detail = (
                        "in an open difference, and matched" if line.pk in in_items else "in no difference"
                    )
                    yield Breach(CODE, f"statement_line:{line.pk}", detail)


def differences_follow_from_lines(scope: AuditScope) -> Iterator[Breach]:
    """Yield each difference whose amounts or kind are not those of its lines and expectations."""
    for items in pages(rows_since(StatementItem.objects.all(), "opened_at", scope.since)):
        keys = {key for item in items for key in item.lines}
        amounts = dict(StatementLine.objects.filter(pk__in=keys).values_list("pk", "amount_xof"))
        for item in items:
            found = sum((amounts.get(key, NOTHING) for key in item.lines), NOTHING)
            expected = sum((one.amount_xof for one in expected_of(item)), NOTHING)
            if (item.found_xof, item.expected_xof, item.at_stake_xof, item.code) != (
                found, expected, abs(found - expected), _code(item),
            ):  # fmt: skip
                yield Breach(CODE, subject_of(item.pk), "not what its lines and expectations are")


def _code(item: StatementItem) -> str:
    if not item.expected:
        return ItemCode.UNEXPECTED
    return ItemCode.MISMATCHED if item.lines else ItemCode.MISSING


def matches_add_up(scope: AuditScope) -> Iterator[Breach]:
    """Yield each match whose difference is not that of its lines and expectations."""
    for rows in pages(rows_since(StatementMatch.objects.all(), "matched_at", scope.since)):
        lines = MatchedLine.objects.filter(match__in=rows).order_by().values_list("match")
        found = dict(lines.annotate(sum=Sum("line__amount_xof")))
        expectations = MatchedExpectation.objects.filter(match__in=rows).order_by().values_list("match")
        expected = dict(expectations.annotate(sum=Sum("amount_xof")))
        for row in rows:
            if row.difference_xof != found.get(row.pk, NOTHING) - expected.get(row.pk, NOTHING):
                yield Breach(CODE, f"statement_match:{row.key}", "its difference is another one")


def differences_end_as_they_say(scope: AuditScope) -> Iterator[Breach]:
    """Yield each difference that is called explained or resolved without a match that says so.

    One match may explain several: it names one of them, and has a line or an expectation of each.
    """
    ended = StatementItem.objects.filter(state__in=[ItemState.EXPLAINED, ItemState.RESOLVED])
    for items in pages(rows_since(ended, "opened_at", scope.since)):
        resolutions = StatementMatch.objects.filter(item__in=items, method=MatchMethod.RESOLUTION)
        resolved = set(resolutions.values_list("item", flat=True))
        matched = _matched_parts(items)
        for item in items:
            is_resolved, is_matched = item.pk in resolved, bool(_parts(item) & matched)
            if is_resolved is not (item.state == ItemState.RESOLVED) or not is_matched:
                yield Breach(CODE, subject_of(item.pk), f"called {item.state} without a match")


def _parts(item: StatementItem) -> set[tuple[str, int | str]]:
    lines = {(item.source, key) for key in item.lines}
    return lines | {(item.source, one.key) for one in expected_of(item)}


def _matched_parts(items: list[StatementItem]) -> set[tuple[str, int | str]]:
    """Return the lines and expectations of these differences that are matched, each with its source."""
    keys = {key for item in items for key in item.lines}
    lines = MatchedLine.objects.filter(line__in=keys).values_list("line__source", "line")
    names = {one.key for item in items for one in expected_of(item)}
    expectations = MatchedExpectation.objects.filter(key__in=names).values_list("source", "key")
    return {*lines, *expectations}


def two_people_resolved_differences(scope: AuditScope) -> Iterator[Breach]:
    """Yield each resolution without its approved proposal, or without two different people."""
    rows = ResolvedItem.objects.select_related("proposal", "resolution", "match")
    for some in pages(rows_since(rows, "resolved_at", scope.since)):
        given = Approval.objects.filter(proposal__in=[row.proposal_id for row in some], is_approved=True)
        approved = set(given.values_list("proposal_id", "approver_id", "digest"))
        for row in some:
            for detail in _wrong_with(row, approved):
                yield Breach("I16", subject_of(row.resolution.item_id), detail)
    unresolved = StatementMatch.objects.filter(method=MatchMethod.RESOLUTION, resolved=None)
    for matches in pages(rows_since(unresolved, "matched_at", scope.since)):
        for match in matches:
            yield Breach("I16", f"statement_match:{match.key}", "resolved by nobody")


def _wrong_with(row: ResolvedItem, approved: set[tuple[int, int, str]]) -> Iterator[str]:
    proposal, item_id = row.proposal, row.resolution.item_id
    about = (proposal.kind, proposal.subject_id, proposal.state)
    if about != (STATEMENT_ITEM, str(item_id), ProposalState.APPROVED):
        yield f"proposal {proposal.pk} ({proposal.state}) is not the approved one of this difference"
    if (row.match.item_id, row.match.method) != (item_id, MatchMethod.RESOLUTION):
        yield "its match is of another difference"
    if row.proposer_id != proposal.proposer_id:
        yield "the proposer is not the one who proposed"
    if row.approver_id == row.proposer_id or (proposal.pk, row.approver_id, proposal.digest) not in approved:
        yield "its approver did not approve, or is the proposer"
