"""The audit of statements: what somebody with the database's password could change is found by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from sunusav.core.approvals import approve
from sunusav.core.auditing import AuditScope
from sunusav.core.models import Approval
from sunusav.core.roles import Role
from tests.factories.statements import Expectations, imported, make_format
from tests.factories.users import make_user
from tests.support.triggers import without_triggers
from tests.transfers.builders import NOW
from transfers.invariants import INVARIANTS
from transfers.models import (
    MatchedExpectation,
    MatchedLine,
    ResolvedItem,
    StatementItem,
    StatementLine,
    StatementMatch,
)
from transfers.statements.items import propose_resolution

# To drop triggers commits on MySQL and MariaDB.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def reconciled(awaited: Expectations) -> None:
    """One line is matched, one difference is open, and one was resolved."""
    make_format(now=NOW)
    awaited.add("a", "10")
    imported(("a", "10"), ("open", "5"), ("resolved", "7"), now=NOW)
    item = StatementItem.objects.get(reference="resolved")
    proposal = propose_resolution(
        item_id=item.pk, reason_code="not_ours", explanation="another shop's", proposer=make_user(Role.FINANCE),
        now=NOW,
    )  # fmt: skip
    approve(proposal_id=proposal.pk, approver=make_user(Role.APPROVER), digest=proposal.digest, now=NOW)


def breaches() -> set[tuple[str, str]]:
    scope = AuditScope(now=NOW)
    found = [
        one for invariant in INVARIANTS if invariant.code in {"I16", "I31"} for one in invariant.find(scope)
    ]
    return {(one.invariant, one.subject.partition(":")[0]) for one in found}


def test_audit_finds_nothing_in_what_the_services_stored() -> None:
    assert breaches() == set()


def _delete(model: Any, **which: Any) -> Callable[[], Any]:
    return lambda: model.objects.filter(**which).delete()


def _write(model: Any, which: dict[str, Any], **values: Any) -> Callable[[], Any]:
    return lambda: model.objects.filter(**which).update(**values)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (_delete(MatchedLine, line__reference="a"), {("I31", "statement_line"), ("I31", "statement_match")}),
        (
            _write(StatementItem, {"reference": "open"}, lines=[]),
            {("I31", "statement_item"), ("I31", "statement_line")},
        ),
        (_write(StatementItem, {"reference": "open"}, found_xof=6, at_stake_xof=6), {("I31", "statement_item")}),
        (_write(StatementItem, {"reference": "open"}, code="statement_missing"), {("I31", "statement_item")}),
        (
            _write(StatementItem, {"reference": "open"}, state="explained", closed_at=NOW),
            {("I31", "statement_item"), ("I31", "statement_line")},
        ),
        (_write(StatementItem, {"reference": "resolved"}, state="open", closed_at=None), {("I31", "statement_line")}),
        (
            _write(StatementLine, {"reference": "resolved"}, amount_xof=8),
            {("I31", "statement_item"), ("I31", "statement_match")},
        ),
        (_write(MatchedExpectation, {}, amount_xof=11), {("I31", "statement_match")}),
        (_write(StatementMatch, {"method": "by_reference"}, difference_xof=1), {("I31", "statement_match")}),
        (_delete(ResolvedItem), {("I16", "statement_match")}),
        (_delete(Approval), {("I16", "statement_item")}),
    ],
)  # fmt: skip
def test_audit_finds_what_does_not_follow(change: Callable[[], Any], found: set[tuple[str, str]]) -> None:
    with without_triggers(connection):
        change()

        assert breaches() == found
