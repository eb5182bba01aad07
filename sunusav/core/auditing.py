"""Types of the auditor: what must hold, and how a breach is named."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Breach:
    """One row that breaks an invariant."""

    invariant: str
    subject: str
    detail: str


@dataclass(frozen=True)
class AuditScope:
    """What an audit looks at: everything, or only what changed since a moment."""

    now: datetime
    since: datetime | None = None


@dataclass(frozen=True)
class Invariant:
    """A rule of the books. `find` yields its breaches; `waiting` marks rules about what waits too long."""

    code: str
    title: str
    find: Callable[[AuditScope], Iterable[Breach]]
    waiting: bool = False
