"""The auditor checks the invariants of every app on one snapshot and pauses outgoing payments on a breach.

Each audit of a task or of the command leaves an `AuditRun`, also one that finds nothing.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from django.db import connection, transaction
from django.db.models import Max

from ledger import sql
from ledger.enums import AuditKind
from ledger.models import AuditRun, JournalTransaction
from sunusav.core import switches, trail
from sunusav.core.actors import Actor
from sunusav.core.app_modules import collect
from sunusav.core.auditing import AuditScope, Breach, Invariant
from sunusav.core.transactions import lift_idle_limit, retried_on_deadlock

FAST_WINDOW: Final = timedelta(hours=24)
AUDITOR: Final = Actor.system("ledger.auditor")
AUDIT_SUBJECT: Final = "books:audit"
# What the trail keeps of an audit with breaches; the report has the rest, and another run finds it again.
KEPT_BREACHES: Final = 20
ERROR_LENGTH: Final = 200

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AuditReport:
    """The result of an audit: breaches, and findings that have waited too long."""

    at: datetime
    since: datetime | None
    checked: tuple[str, ...]
    breaches: tuple[Breach, ...]
    waiting: tuple[Breach, ...]
    seconds: float
    last_transaction_id: int = 0

    @property
    def has_breaches(self) -> bool:
        return bool(self.breaches)

    @property
    def kind(self) -> AuditKind:
        return AuditKind.FULL if self.since is None else AuditKind.FAST

    @property
    def exit_code(self) -> int:
        """Return 0 if clean, 1 for a breach, 2 if something only waits too long."""
        if self.breaches:
            return 1
        return 2 if self.waiting else 0


def audit(*, now: datetime, since: datetime | None = None) -> AuditReport:
    """Check the invariants of every app on one snapshot, over everything or what was recorded since a moment."""
    started = monotonic()
    invariants: list[Invariant] = collect("invariants", "INVARIANTS")
    with _snapshot():
        newest = JournalTransaction.objects.aggregate(id=Max("pk"))["id"]
        found = list(_found(invariants, AuditScope(now=now, since=since)))
    return AuditReport(
        at=now,
        since=since,
        checked=tuple(sorted({invariant.code for invariant in invariants})),
        breaches=tuple(breach for is_waiting, breach in found if not is_waiting),
        waiting=tuple(breach for is_waiting, breach in found if is_waiting),
        seconds=monotonic() - started,
        last_transaction_id=newest or 0,
    )


def audit_and_guard(*, now: datetime, since: datetime | None = None) -> AuditReport:
    """Audit and record it; on a breach also pause outgoing payments and record the breaches in the trail."""
    report = audit(now=now, since=since)
    if report.has_breaches:
        _pause_outgoing(report)
    else:
        _record_run(report)
    return report


def audit_and_record(*, now: datetime, since: datetime | None = None) -> AuditReport:
    """Audit and record it; payments go on, whatever it finds."""
    report = audit(now=now, since=since)
    _record_run(report)
    return report


def fast_window(now: datetime) -> datetime:
    """Return the moment that a fast audit starts from."""
    return now - FAST_WINDOW


def _found(invariants: Iterable[Invariant], scope: AuditScope) -> Iterator[tuple[bool, Breach]]:
    for invariant in invariants:
        yield from _check(invariant, scope)


def _check(invariant: Invariant, scope: AuditScope) -> Iterator[tuple[bool, Breach]]:
    """Yield each breach with whether it only waits; also a breach if the invariant could not be checked.

    Each invariant has a savepoint: after a statement that the database refuses, the others still run.
    """
    try:
        with transaction.atomic():
            for breach in invariant.find(scope):
                yield invariant.waiting, breach
    except Exception as error:  # any error: the other invariants are checked, and payments are paused
        logger.exception("invariant %s (%s) could not be checked", invariant.code, invariant.title)
        cause = f"{type(error).__name__}: {error}"[:ERROR_LENGTH]
        yield False, Breach(invariant.code, "audit", f"could not be checked: {cause}")


@contextmanager
def _snapshot() -> Iterator[None]:
    """Read everything as of one moment. Inside a caller's transaction, as in tests, its isolation level applies.

    It only reads, so others do not wait for it, and an audit that was frozen for a while goes on.
    """
    if not connection.in_atomic_block:
        sql.read_one_snapshot()
    with transaction.atomic():
        lift_idle_limit()
        yield


@retried_on_deadlock
def _pause_outgoing(report: AuditReport) -> None:
    reason = f"audit: {summary(report.breaches)}"
    with transaction.atomic():
        _record_run(report)
        trail.record(
            subject=AUDIT_SUBJECT, action="find_breaches", actor=AUDITOR, at=report.at, reason=reason,
            facts={
                "count": len(report.breaches),
                "first": [[b.invariant, b.subject, b.detail] for b in report.breaches[:KEPT_BREACHES]],
            },
        )  # fmt: skip
        switches.pause_outgoing(actor=AUDITOR, reason=reason, now=report.at)


def _record_run(report: AuditReport) -> None:
    AuditRun.objects.create(
        kind=report.kind, started_at=report.at, ended_at=report.at + timedelta(seconds=report.seconds),
        checked_since=report.since, last_transaction_id=report.last_transaction_id,
        breaches_found=len(report.breaches), waiting_found=len(report.waiting),
    )  # fmt: skip


def summary(breaches: Sequence[Breach]) -> str:
    """Return one line about breaches: how many, their codes, and the first of them."""
    codes = ", ".join(sorted({breach.invariant for breach in breaches}))
    count = len(breaches)
    noun = "breach" if count == 1 else "breaches"
    return f"{count} {noun} of {codes}, first {breaches[0].subject}: {breaches[0].detail}"
