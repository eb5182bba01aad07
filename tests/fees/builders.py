"""Rows and people for the tests of this app."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, transaction

from fees import services
from fees.enums import DiscountKind
from fees.models import FeeAssessment, FeeBracketDraft, FeeRecord, FeeSchedule, FeeScheduleDraft
from fees.types import FixedFee, PricedFor
from ledger.models import ExchangeRate
from sunusav.core import approvals
from sunusav.core.actors import Actor
from sunusav.core.models import Proposal, User
from sunusav.core.roles import Role, sync_roles

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(days=7)
ACTOR = Actor.system("test")
FOR = PricedFor(group_ref="g-1", winner_ref="u-1", settlement_partner="wave")


def person(name: str, *roles: Role) -> User:
    sync_roles()
    user = User.objects.create_user(username=name, is_staff=True)
    user.groups.set(Group.objects.filter(name__in=[role.value for role in roles]))
    return user


def stored_rate(rate: str = "9123457", **fields: Any) -> ExchangeRate:
    facts = {"source": "test", "observed_at": NOW, "recorded_at": NOW, "is_fallback": False}
    return ExchangeRate.objects.create(rate_xof_per_btc=Decimal(rate), **{**facts, **fields})


def draft(author: User, *brackets: tuple[int, int], **rules: Any) -> FeeScheduleDraft:
    row = FeeScheduleDraft.objects.create(
        author=author, created_at=NOW, **{"effective_at": LATER, "note": "cheaper", **rules}
    )
    for from_sats, rate in brackets or ((0, 8_000),):
        FeeBracketDraft.objects.create(draft=row, from_sats=from_sats, base_rate_ppm=rate)
    return row


def proposed(row: FeeScheduleDraft, proposer: User) -> Proposal:
    return services.propose_schedule(draft_id=row.pk, proposer=proposer, now=NOW, reason="cheaper")


def published(row: FeeScheduleDraft, proposer: User, publisher: User, now: datetime = NOW) -> FeeSchedule:
    proposal = proposed(row, proposer)
    approvals.approve(proposal_id=proposal.pk, approver=publisher, digest=proposal.digest, now=now)
    return FeeSchedule.objects.get(draft=row)


def granted(holder: str, kind: DiscountKind, **fields: Any) -> int:
    facts = {"discount_bps": None, "starts_at": NOW, "ends_at": None, "granted_for": "test:1"}
    return services.grant_discount(holder=holder, kind=kind, actor=ACTOR, now=NOW, **{**facts, **fields})


def fixed(payout_sats: int = 100_000, subject: str = "cycle:c-1", priced_for: PricedFor = FOR) -> FixedFee:
    return services.fix_fee(subject=subject, payout_sats=payout_sats, priced_for=priced_for, now=NOW)


def recorded(fee: FixedFee, ref: str = "disbursement:1", completed_at: datetime = NOW) -> int:
    """Record a fee; return the id of its record."""
    services.record_fees({fee.assessment_id: ref}, completed_at=completed_at)
    return FeeRecord.objects.get(assessment=fee.assessment_id).pk


def counts() -> tuple[int, int]:
    return FeeAssessment.objects.count(), FeeRecord.objects.count()


@contextmanager
def refused_as_append_only(table: str):
    with pytest.raises(DatabaseError, match=f"{table} is append-only"), transaction.atomic():
        yield


@contextmanager
def checks_off():
    """Accept rows that violate constraints, as a broken import or a manual change would leave them."""
    statement = "SET SESSION check_constraint_checks = {}"
    if connection.vendor == "sqlite":
        statement = "PRAGMA ignore_check_constraints = {}"
    off, on = ("1", "0") if connection.vendor == "sqlite" else ("0", "1")
    with connection.cursor() as cursor:
        cursor.execute(statement.format(off))
        yield
        cursor.execute(statement.format(on))
