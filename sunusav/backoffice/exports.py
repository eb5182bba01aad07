"""What the exports of the lists of core hold."""

from django.utils.translation import gettext_lazy as _

from sunusav.core.exporting.columns import code_or_text, columns_of
from sunusav.core.exporting.types import Column, ListExport
from sunusav.core.models import TrailEntry


def _reason(entry: TrailEntry) -> str:
    """Return what a person wrote unchanged, and the label of a code that the system gave as its reason."""
    return entry.reason if entry.actor_id else code_or_text(entry.reason)


EXPORTS = [
    ListExport(
        "core.trailentry",
        columns_of(
            TrailEntry,
            "id",
            "at",
            "subject",
            "action",
            "from_state",
            "to_state",
            "actor_label",
            Column(_("reason"), _reason),
        ),
    )
]
