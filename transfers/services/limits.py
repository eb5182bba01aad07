"""Limits of outgoing money: changed by two people, counted when an attempt is opened."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from sunusav.core import approvals, trail
from sunusav.core.actors import Actor
from sunusav.core.locks import lock
from sunusav.core.models import Proposal, ProposalState, User
from sunusav.core.money import MAX_SATS, msat_from_sats
from transfers import sql
from transfers.calculations import (
    Limits,
    OutgoingPayment,
    Usage,
    counts_in_hour,
    counts_on_day,
    day_key,
    deferral_for,
    minute_key,
    oldest_minute_counted,
)
from transfers.enums import LimitKind
from transfers.errors import PaymentLimitOutOfRange, PaymentLimitRequestMissing
from transfers.models import Disbursement, LimitUsage, PastAdmission, PaymentLimit, PaymentLimitRequest
from transfers.queries import limits_in_force
from transfers.types import Deferral

PAYMENT_LIMIT: Final = "payment_limit"


class NotAdmitted(Exception):
    """Some payments may not go now; `deferrals` has each by its id. Raised to roll their attempts back."""

    def __init__(self, deferrals: dict[int, Deferral]) -> None:
        super().__init__(sorted(deferrals))
        self.deferrals = deferrals


# Changing limits


def propose_limit(*, kind: str, amount_sats: int, reason: str, proposer: User, now: datetime) -> Proposal:
    """Propose a limit to a second person. At most one proposal per kind of limit is open.

    Raises: PaymentLimitOutOfRange; and as `approvals.propose`.
    """
    lowest_sats = 0 if kind == LimitKind.REPLACED_DESTINATION else 1
    if not lowest_sats <= amount_sats <= MAX_SATS:
        raise PaymentLimitOutOfRange(
            kind=kind, amount_sats=amount_sats, minimum_sats=lowest_sats, maximum_sats=MAX_SATS
        )
    with transaction.atomic():
        _lock_limits()
        _require_none_open(kind)
        request = PaymentLimitRequest.objects.create(
            kind=kind, amount_sats=amount_sats, reason=reason, requested_by=proposer, requested_at=now
        )
        return approvals.propose(
            kind=PAYMENT_LIMIT, subject_id=str(request.pk), proposer=proposer, now=now, reason=reason
        )


def describe_limit(subject_id: str) -> dict[str, Any]:
    """Return the facts to approve: the new limit, and the one that it replaces. Raises: PaymentLimitRequestMissing."""
    request = _request(subject_id)
    return _facts(request, limits_in_force()[request.kind])


def set_limit(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Append the next version of a limit; called when a second person approves it.

    Raises: PaymentLimitRequestMissing, ProposalFactsChanged.
    """
    request = _request(proposal.subject_id)
    before = _lock_limits()[request.kind]
    approvals.require_as_proposed(proposal, _facts(request, before))
    PaymentLimit.objects.create(
        kind=request.kind, version=before.version + 1, amount_sats=request.amount_sats, set_at=now, request=request,
        proposal=proposal, proposer_id=proposal.proposer_id, approver_id=actor.user_id,
    )  # fmt: skip
    trail.record(
        subject=f"{PAYMENT_LIMIT}:{request.kind}", action="set_limit", actor=actor, at=now,
        from_state=str(before.amount_sats), to_state=str(request.amount_sats),
        facts={
            "version": before.version + 1, "limit_sats": request.amount_sats,
            "limit_before_sats": before.amount_sats,
        },
    )  # fmt: skip


def _facts(request: PaymentLimitRequest, before: PaymentLimit) -> dict[str, Any]:
    return {
        "kind": request.kind,
        "amount_sats": request.amount_sats,
        "in_force_sats": before.amount_sats,
        "in_force_version": before.version,
        "reason": request.reason,
    }


def _request(subject_id: str) -> PaymentLimitRequest:
    found = PaymentLimitRequest.objects.filter(pk=int(subject_id)).first() if subject_id.isdecimal() else None
    if found is None:
        raise PaymentLimitRequestMissing(limit_request_id=subject_id)
    return found


def _require_none_open(kind: str) -> None:
    waiting = Proposal.objects.filter(kind=PAYMENT_LIMIT, state=ProposalState.OPEN)
    for proposal in waiting:
        if _request(proposal.subject_id).kind == kind:
            raise approvals.ProposalAlreadyOpen(
                kind=PAYMENT_LIMIT, subject_id=proposal.subject_id, proposal_id=str(proposal.pk)
            )


# Counting payments against limits


@dataclass(frozen=True)
class Admission:
    """A payment that is about to go, and when its destination became another payee's."""

    row: Disbursement
    destination_replaced_at: datetime | None


def admit(payments: Sequence[Admission], *, now: datetime) -> None:
    """Count payments against the limits, all or none; one that is retried within the hour is not counted again.

    Called last in the transaction that opens their attempts: until its commit every other opening waits.
    Raises: NotAdmitted with a deferral for each that may not go; the caller rolls back and opens the others.
    """
    limits, version = _lock_amounts()
    counted = [one.row for one in payments if counts_in_hour(one.row.admitted_at, now)]
    counting = _Counting.of(counted, now)
    deferrals = {}
    for one in payments:
        row = one.row
        why = deferral_for(_outgoing_payment(one), limits=limits, usage=counting.usage_of(row), now=now)
        if why is not None:
            deferrals[row.pk] = why
        elif row in counted:
            counting.add(row)
    if deferrals:
        raise NotAdmitted(deferrals)
    counting.store()
    _record_admission(counted, version=version, now=now)


def end_admission(row: Disbursement, *, now: datetime) -> dict[str, Any]:
    """Keep the last admission of a payment that a person retries; return the columns that make it count again."""
    if row.admitted_at is not None:
        PastAdmission.objects.create(
            disbursement=row, admitted_at=row.admitted_at, by_version=row.admitted_by_version, retried_at=now
        )
    return {"admitted_at": None, "admitted_by_version": None}


def _lock_limits() -> dict[str, PaymentLimit]:
    """Return the limits in force, under the one lock that serializes openings."""
    lock(sql.LIMITS_LOCK)
    return limits_in_force()


def _lock_amounts() -> tuple[Limits, int]:
    """Return the amounts in force, under the same lock, and the version of the limit per payout."""
    rows = sql.lock_limits()
    limits = Limits(**{f"{kind}_msat": msat_from_sats(amount_sats) for kind, _, amount_sats in rows})
    return limits, {kind: version for kind, version, _ in rows}[LimitKind.PER_PAYOUT]


def _outgoing_payment(payment: Admission) -> OutgoingPayment:
    row = payment.row
    return OutgoingPayment(
        net_msat=_net_msat(row),
        counted_at=row.admitted_at,
        is_waived=row.waived_at is not None,
        destination_replaced_at=payment.destination_replaced_at,
    )


def _net_msat(row: Disbursement) -> int:
    assert row.net_msat is not None, "an attempt exists only for a fixed net"  # noqa: S101  (a programmer's mistake)
    return row.net_msat


@dataclass
class _Counting:
    """The usage of the payee days and minutes that some payments count for, before and after them."""

    now: datetime
    days: dict[str, int] = field(default_factory=dict)
    minutes: dict[str, int] = field(default_factory=dict)
    changed: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, rows: Iterable[Disbursement], now: datetime) -> "_Counting":
        counting = cls(now)
        days = {day_key(now, row.payee_ref) for row in rows}
        if days:
            counting._read(days)
        return counting

    def _read(self, days: set[str]) -> None:
        usage = sql.limit_usage(day_keys=days, oldest_minute=oldest_minute_counted(self.now))
        for kind, key, used_msat in usage:
            (self.days if kind == LimitKind.PER_PAYEE_DAY else self.minutes)[key] = used_msat

    def usage_of(self, row: Disbursement) -> Usage:
        return Usage(self.days.get(day_key(self.now, row.payee_ref), 0), self.minutes)

    def add(self, row: Disbursement) -> None:
        minute, amount_msat = minute_key(self.now), _net_msat(row)
        self.minutes[minute] = self.minutes.get(minute, 0) + amount_msat
        self.changed.add((LimitKind.TOTAL_HOUR, minute))
        if counts_on_day(row.admitted_at, self.now):
            day = day_key(self.now, row.payee_ref)
            self.days[day] = self.days.get(day, 0) + amount_msat
            self.changed.add((LimitKind.PER_PAYEE_DAY, day))

    def store(self) -> None:
        used = {LimitKind.PER_PAYEE_DAY: self.days, LimitKind.TOTAL_HOUR: self.minutes}
        rows = [
            LimitUsage(kind=kind, key=key, used_msat=used[LimitKind(kind)][key])
            for kind, key in sorted(self.changed)
        ]
        if rows:
            LimitUsage.objects.bulk_create(
                rows, update_conflicts=True, update_fields=["used_msat"], unique_fields=_conflict_target()
            )


def _conflict_target() -> list[str] | None:
    # MySQL's ON DUPLICATE KEY takes no columns, SQLite's ON CONFLICT needs them.
    return ["kind", "key"] if connection.features.supports_update_conflicts_with_target else None


def _record_admission(counted: Sequence[Disbursement], *, version: int, now: datetime) -> None:
    before = [
        PastAdmission(disbursement=row, admitted_at=row.admitted_at, by_version=row.admitted_by_version)
        for row in counted
        if row.admitted_at is not None
    ]
    if before:
        PastAdmission.objects.bulk_create(before)
    for is_waived, limit_version in ((False, version), (True, None)):
        ids = [row.pk for row in counted if (row.waived_at is not None) == is_waived]
        if ids:
            sql.admit(ids, at=now, limit_version=limit_version)
