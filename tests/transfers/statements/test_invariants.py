"""The audit of statements: what somebody with the database's password could change is found by name."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
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
from transfers.statements.imports import match_again
from transfers.statements.items import propose_resolution
from transfers.statements.keeping import save_rule

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
        one for invariant in INVARIANTS if invariant.code in {"I16", "I32"} for one in invariant.find(scope)
    ]
    return {(one.invariant, one.subject.partition(":")[0]) for one in found}


def test_audit_finds_nothing_in_what_the_services_stored() -> None:
    assert breaches() == set()


def test_audit_finds_nothing_in_a_match_that_explains_two_differences(awaited: Expectations) -> None:
    awaited.add("b", "-100", "theirs")
    imported(("ours", "-100"), now=NOW)
    layout: dict[str, Any] = {"tolerance_xof": Decimal(0), "days": 0, "text": "", "is_on": True}
    save_rule(source="wave", name="all", layout=layout, reason="x", saver=make_user(Role.FINANCE), now=NOW)

    match_again(now=NOW)

    states = StatementItem.objects.filter(reference__in=["ours", "theirs"]).values_list("state", flat=True)
    assert list(states) == ["explained", "explained"]
    assert breaches() == set()


def _delete(model: Any, **which: Any) -> Callable[[], Any]:
    return lambda: model.objects.filter(**which).delete()


def _write(model: Any, which: dict[str, Any], **values: Any) -> Callable[[], Any]:
    return lambda: model.objects.filter(**which).update(**values)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (_delete(MatchedLine, line__reference="a"), {("I32", "statement_line"), ("I32", "statement_match")}),
        (
            _write(StatementItem, {"reference": "open"}, lines=[]),
            {("I32", "statement_item"), ("I32", "statement_line")},
        ),
        (_write(StatementItem, {"reference": "open"}, found_xof=6, at_stake_xof=6), {("I32", "statement_item")}),
        (_write(StatementItem, {"reference": "open"}, code="statement_missing"), {("I32", "statement_item")}),
        (
            _write(StatementItem, {"reference": "open"}, state="explained", closed_at=NOW),
            {("I32", "statement_item"), ("I32", "statement_line")},
        ),
        (_write(StatementItem, {"reference": "resolved"}, state="open", closed_at=None), {("I32", "statement_line")}),
        (
            _write(StatementLine, {"reference": "resolved"}, amount_xof=8),
            {("I32", "statement_item"), ("I32", "statement_match")},
        ),
        (_write(MatchedExpectation, {}, amount_xof=11), {("I32", "statement_match")}),
        (_write(StatementMatch, {"method": "by_reference"}, difference_xof=1), {("I32", "statement_match")}),
        (_delete(ResolvedItem), {("I16", "statement_match")}),
        (_delete(Approval), {("I16", "statement_item")}),
    ],
)  # fmt: skip
def test_audit_finds_what_does_not_follow(change: Callable[[], Any], found: set[tuple[str, str]]) -> None:
    with without_triggers(connection):
        change()

        assert breaches() == found
