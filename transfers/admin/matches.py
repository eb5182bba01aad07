"""Runs that matched the statements of providers with our attempts, and what differed."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.columns import choice_filter
from sunusav.backoffice.facts import moment, mono, numbered, show_code, show_code_or_text
from sunusav.backoffice.refusals import show_reason
from sunusav.backoffice.sections import SECTION_LIMIT, Box, Section, Table, link_to, link_to_rest
from sunusav.backoffice.timeline import timeline_of
from transfers.models import RailMatch, RailMismatch

DIFFER = _("%(rail)s and the books differ about %(count)s payments. Matching changes nothing.")
LOOK_AT_EACH = _(
    "Look at each: the page of its payment has all attempts and answers, the node has its own record."
)
RULE_OUT_OTHER_NODE = _(
    "If there are many, ask the operator first whether this is the right node, and whether a backup was restored."
)
PAUSE_WHILE_UNCLEAR = _("If money left that nobody ordered, pause outgoing money until it is clear why.")
MATCHED_AGAIN = _("It is matched again every hour; what no longer differs is gone from the next run.")
STEPS = (LOOK_AT_EACH, RULE_OUT_OTHER_NODE, PAUSE_WHILE_UNCLEAR, MATCHED_AGAIN)

RAIL = choice_filter("rail", lambda: settings.RAILS)


@admin.register(RailMatch)
class RailMatchAdmin(ReadOnlyAdmin):
    list_display = ("id", "rail_shown", "started_at", "ended_at", "lines_read", "mismatches_found")
    list_filter = (RAIL, "started_at")
    fields = ("rail_shown", "started_at", "ended_at", "lines_read", "attempts_read", "mismatches_found")
    ordering = ("-id",)

    @admin.display(description=_("rail"), ordering="rail")
    def rail_shown(self, row: RailMatch) -> str:
        return show_code_or_text(row.rail)

    def name_of(self, row: Any) -> str:
        return f"{show_code_or_text(row.rail)}, {moment(row.started_at)}"

    def box(self, request: HttpRequest, row: Any) -> Box | None:
        if not row.mismatches_found:
            return None
        facts = {"rail": show_code_or_text(row.rail), "count": row.mismatches_found}
        return Box(title=_("Payments differ"), text=DIFFER % facts, steps=STEPS, tone="alarm")

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (_mismatches_of(row), timeline_of([f"rail:{row.rail}"]))


def _mismatches_of(row: RailMatch) -> Table:
    """Return the mismatches that a run kept."""
    kept = list(row.mismatches.select_related("disbursement").order_by("pk")[:SECTION_LIMIT])
    return Table(
        title=_("Mismatches"),
        heads=(_("what"), _("payment hash or reference"), _("payment"), _("details")),
        rows=[
            (show_code(one.code), mono(one.reference), link_to(one.disbursement), _details(one))
            for one in kept
        ],
        empty=_("Provider and books agree."),
        anchor="mismatches",
        more=link_to_rest("transfers.railmismatch", len(kept), match__id__exact=row.pk),
    )


def _details(row: RailMismatch) -> str:
    return show_reason(row.code, row.facts)


@admin.register(RailMismatch)
class RailMismatchAdmin(ReadOnlyAdmin):
    list_display = ("id", "match", "code", "reference_shown", "disbursement", "details")
    list_filter = ("code",)
    list_select_related = ("match", "disbursement")
    fields = ("match", "code", "reference_shown", "disbursement", "details")
    fields_hidden_when_empty = ("disbursement",)
    search_fields = ("reference",)
    search_help_text = _("The exact payment hash.")
    ordering = ("-id",)
    links = ("match",)

    @admin.display(description=_("reference"))
    def reference_shown(self, row: RailMismatch) -> Any:
        return mono(row.reference)

    @admin.display(description=_("details"))
    def details(self, row: RailMismatch) -> str:
        return _details(row)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {show_code(row.code)}"
