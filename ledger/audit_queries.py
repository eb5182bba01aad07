"""Reads of the audits of the books: which ran last, whether one is late, and what it found."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ledger.enums import AuditKind
from ledger.models import AuditRun

# The fast audit runs hourly, the full one nightly; both may take a while.
LATE_AFTER: Final = {AuditKind.FAST: timedelta(hours=2), AuditKind.FULL: timedelta(hours=27)}


@dataclass(frozen=True)
class LastAudits:
    """The newest audit of each kind, where there is one, and which kinds are missing or late."""

    runs: dict[AuditKind, AuditRun]
    late: tuple[AuditKind, ...]

    @property
    def newest(self) -> AuditRun | None:
        return max(self.runs.values(), key=lambda run: run.started_at, default=None)

    @property
    def breaches_found(self) -> int:
        """The breaches that the newest audit found, or the newest full one: a fast audit does not read old rows."""
        full = self.runs.get(AuditKind.FULL)
        found = [run.breaches_found for run in (self.newest, full) if run is not None]
        return max(found, default=0)


def last_audits(*, now: datetime) -> LastAudits:
    """Return the newest audit of each kind. A full audit counts as a fast one too."""
    newest = {kind: AuditRun.objects.filter(kind=kind).order_by("-pk").first() for kind in AuditKind}
    runs = {kind: run for kind, run in newest.items() if run is not None}
    late = tuple(kind for kind in AuditKind if _is_late(kind, runs, now=now))
    return LastAudits(runs, late)


def _is_late(kind: AuditKind, runs: dict[AuditKind, AuditRun], *, now: datetime) -> bool:
    counted = [run.started_at for key, run in runs.items() if key == kind or key is AuditKind.FULL]
    return max(counted, default=None) is None or max(counted) < now - LATE_AFTER[kind]
