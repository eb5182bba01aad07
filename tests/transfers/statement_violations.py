"""Rows that break the constraints of statements, and of the differences from them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sunusav.core.approvals import approve
from sunusav.core.models import Proposal
from sunusav.core.roles import Role
from tests.factories.statements import imported, make_format
from tests.factories.treasury import book, opening
from tests.factories.users import make_user
from tests.support.constraints import Violation, copy_of
from tests.transfers.builders import NOW
from transfers.models import (
    ItemResolution,
    MatchedExpectation,
    MatchedLine,
    MatchingRule,
    ResolvedItem,
    StatementFormat,
    StatementImport,
    StatementItem,
    StatementLine,
    StatementMatch,
)
from transfers.statements.items import propose_resolution
from transfers.statements.keeping import save_rule


def stored_copy(row: Any, **changes: Any) -> Any:
    copied = copy_of(row, **changes)
    copied.save(force_insert=True)
    return copied


def form() -> StatementFormat:
    return make_format(now=NOW, source="bank")


def rule() -> MatchingRule:
    layout = {"tolerance_xof": Decimal(0), "days": 0, "text": "", "is_on": True}
    saver = make_user(Role.FINANCE)
    return save_rule(source="bank", name="fees", layout=layout, reason="monthly", saver=saver, now=NOW)


def statement() -> StatementImport:
    form()
    return imported(("fee", "-25"), now=NOW, source="bank").row


def line() -> StatementLine:
    statement()
    return StatementLine.objects.get()


def item() -> StatementItem:
    statement()
    return StatementItem.objects.get()


def proposal() -> Proposal:
    return propose_resolution(
        item_id=item().pk, reason_code="not_ours", explanation="of another account",
        proposer=make_user(Role.FINANCE), now=NOW,
    )  # fmt: skip


def resolution() -> ItemResolution:
    proposal()
    return ItemResolution.objects.get()


def resolved() -> ResolvedItem:
    made = proposal()
    approve(proposal_id=made.pk, approver=make_user(Role.APPROVER), digest=made.digest, now=NOW)
    return ResolvedItem.objects.get()


def match() -> StatementMatch:
    return resolved().match


def matched_line() -> MatchedLine:
    resolved()
    return MatchedLine.objects.get()


def matched_expectation() -> MatchedExpectation:
    return MatchedExpectation.objects.create(
        match=match(), source="bank", key="attempt:1", amount_xof=1, subject="disbursement:1"
    )


def booked_movement(row: ItemResolution) -> dict[str, Any]:
    return {"movement_id": book(opening(), now=NOW).movement_id}


def with_a_rule(row: StatementMatch) -> dict[str, Any]:
    return {"key": "x", "rule_id": rule().pk}


def another_resolved(row: ResolvedItem, **changes: Any) -> dict[str, Any]:
    """Return the changes that make a copy the end of another resolution, by another proposal."""
    return {
        "resolution_id": stored_copy(row.resolution).pk, "match_id": stored_copy(row.match, key="another").pk,
        "proposal_id": stored_copy(row.proposal).pk, **changes,
    }  # fmt: skip


def shared_by_resolved(column: str) -> Callable[[ResolvedItem], dict[str, Any]]:
    return lambda row: another_resolved(row, **{column: getattr(row, column)})


FORM, STATEMENT, LINE, ITEM = "statementformat", "statementimport", "statementline", "statementitem"
AMOUNTS = f"{FORM}_amounts_have_columns"
OWN = {"version": 2}

STATEMENTS = [
    Violation(f"{FORM}_version_used_once", form, {}),
    Violation(AMOUNTS, form, {**OWN, "amount_column": ""}),
    Violation(AMOUNTS, form, {**OWN, "debit_column": "Debit"}),
    Violation(AMOUNTS, form, {**OWN, "amount_reading": "debit_credit"}),
    Violation(
        AMOUNTS, form, {**OWN, "amount_reading": "debit_credit", "amount_column": "", "debit_column": "D"}
    ),
    Violation(AMOUNTS, form, {**OWN, "amount_reading": "guessed"}),
    Violation(f"{FORM}_day_has_column", form, {**OWN, "moment_column": ""}),
    Violation(f"{FORM}_marks_differ", form, {**OWN, "decimal_mark": ",", "thousands_mark": ","}),
    Violation(f"{FORM}_tolerance_is_not_negative", form, {**OWN, "tolerance_xof": -1}),
    Violation("matchingrule_version_used_once", rule, {}),
    Violation("matchingrule_tolerance_is_not_negative", rule, {**OWN, "tolerance_xof": -1}),
    Violation("matchingrule_has_name", rule, {**OWN, "name": ""}),
    Violation(f"{STATEMENT}_file_read_once", statement, {}),
    Violation(f"{STATEMENT}_days_are_in_order", statement, {"sha256": "x", "through": "2026-02-01"}),
    Violation(f"{STATEMENT}_new_lines_were_read", statement, {"sha256": "x", "lines_new": 2}),
    Violation(f"{LINE}_counts_once", line, {}),
    Violation(f"{LINE}_amount_is_not_zero", line, {"line_key": "x", "amount_xof": 0}),
    Violation(f"{ITEM}_one_open_per_key", item, {}),
    Violation(f"{ITEM}_code_is_known", item, {"key": "x", "code": "odd"}),
    Violation(f"{ITEM}_closed_when_not_open", item, {"key": "x", "state": "explained"}),
    Violation(f"{ITEM}_closed_when_not_open", item, {"key": "x", "closed_at": NOW}),
    Violation(f"{ITEM}_closed_when_not_open", item, {"key": "x", "state": "odd", "closed_at": NOW}),
    Violation(f"{ITEM}_at_stake_is_not_negative", item, {"key": "x", "at_stake_xof": -1}),
    Violation("itemresolution_names_its_movement", resolution, {"reason_code": "booked_as_movement"}),
    Violation("itemresolution_names_its_movement", resolution, booked_movement),
    Violation("itemresolution_names_its_movement", resolution, {"reason_code": "odd"}),
    Violation("itemresolution_has_explanation", resolution, {"explanation": ""}),
    Violation("statementmatch_counts_once", match, {}),
    Violation("statementmatch_rule_is_named", match, {"key": "x", "method": "by_rule"}),
    Violation("statementmatch_rule_is_named", match, with_a_rule),
    Violation("statementmatch_rule_is_named", match, {"key": "x", "method": "odd"}),
    Violation("statementmatch_resolution_has_item", match, {"key": "x", "item_id": None}),
    Violation("transfers_matchedline.line_id", matched_line, {}),
    Violation("matchedexpectation_counts_once", matched_expectation, {}),
    Violation(
        "resolveditem_four_eyes", resolved, lambda row: another_resolved(row, approver_id=row.proposer_id)
    ),
    *(
        Violation(f"transfers_resolveditem.{column}", resolved, shared_by_resolved(column))
        for column in ("resolution_id", "match_id", "proposal_id")
    ),
]
