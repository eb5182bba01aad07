"""What is kept about one person, as each app lists it, and the trail and proposals about them.

Each app lists its parts in `SECTIONS` of its `personal_data.py`. There it also names the tables about people that are
not exported, in `NOT_EXPORTED`, each with the reason.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sunusav.core.app_modules import collect
from sunusav.core.auditing import chunks
from sunusav.core.models import Proposal, TrailEntry

Row = Mapping[str, Any]


@dataclass(frozen=True)
class PersonalSection:
    """A part of what is kept about a person. `rows` takes the platform's identifier; `models` are the tables read."""

    name: str
    models: tuple[str, ...]
    rows: Callable[[str], Iterable[Row]]


def sections() -> list[PersonalSection]:
    """Return the sections of all apps, the lowest layer first. Raises: ValueError when two have one name."""
    listed: list[PersonalSection] = collect("personal_data", "SECTIONS")
    names = [section.name for section in listed]
    if len(set(names)) < len(names):
        raise ValueError(f"listed twice: {sorted({name for name in names if names.count(name) > 1})}")
    return listed


def rows_about(user_id: str) -> dict[str, list[Row]]:
    """Return what is kept about a person, by section."""
    return {section.name: list(section.rows(user_id)) for section in sections()}


def trail_about(subjects: Iterable[str]) -> list[Row]:
    """Return the trail of these subjects, the oldest first."""
    return [trail_row(entry) for entry in _entries(subjects)]


def trail_naming(subjects: Iterable[str], named: str) -> list[Row]:
    """Return those entries in the trail of these subjects that have this text among their facts, the oldest first."""
    return [trail_row(entry) for entry in _entries(subjects) if named in entry.facts.values()]


def trail_row(entry: TrailEntry) -> Row:
    """Return an entry of the trail: who did what, when and why."""
    return {
        "at": entry.at, "subject": entry.subject, "action": entry.action, "from": entry.from_state,
        "to": entry.to_state, "who": entry.actor_label, "why": entry.reason, "facts": entry.facts,
    }  # fmt: skip


def proposals_about(kind: str, subject_ids: Collection[str]) -> list[Row]:
    """Return the proposals of a kind about these subjects, the oldest first."""
    found = Proposal.objects.filter(kind=kind, subject_id__in=subject_ids).order_by("pk")
    return [
        {
            "proposal": row.pk, "kind": row.kind, "state": row.state, "facts": row.facts, "reason": row.reason,
            "proposed_at": row.proposed_at, "decided_at": row.decided_at,
        }
        for row in found
    ]  # fmt: skip


def _entries(subjects: Iterable[str]) -> Iterable[TrailEntry]:
    entries = [
        entry
        for chunk in chunks(sorted(set(subjects)))
        for entry in TrailEntry.objects.filter(subject__in=chunk)
    ]
    return sorted(entries, key=lambda entry: entry.pk)
