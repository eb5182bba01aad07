"""What this app adds to timelines: what partners delivered about the payments and requests of a subject."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from partners.models import InboundWebhook
from sunusav.backoffice.facts import instant, show_code, show_code_or_text
from sunusav.backoffice.sections import Line, link_to
from sunusav.backoffice.timeline import LEARNED, LINES_SHOWN, Story
from transfers.reference_queries import references_of_collections, references_of_orders


def lines(story: Story) -> Iterator[Line]:
    """Yield the deliveries that name a payment or a request of a timeline; they are kept for a month."""
    known = references_of_orders(story.keys("disbursement"), rails=settings.PARTNERS)
    known |= references_of_collections(story.keys("collection"), methods=settings.PARTNERS)
    if not known:
        return
    rows = InboundWebhook.objects.filter(reference__in=known).order_by("-pk")[:LINES_SHOWN]
    for row in rows:
        if row.partner == known[row.reference].method:
            yield _line(row, story.names.get(known[row.reference].subject, ""))


def _line(row: InboundWebhook, name: str) -> Line:
    number = gettext("webhook %(number)s") % {"number": row.pk}
    return Line(
        row.received_at, LEARNED, gettext("The partner reports a change: %(outcome)s") % {"outcome": _outcome(row)},
        who=show_code_or_text(row.partner), facts=_facts(row), links=[*([name] if name else []), link_to(row, number)],
        key=row.pk,
    )  # fmt: skip


def _outcome(row: InboundWebhook) -> str:
    return show_code(row.outcome) if row.outcome else gettext("not followed yet")


def _facts(row: InboundWebhook) -> list[tuple[Any, Any]]:
    handled = [(_("Handled"), instant(row.handled_at))] if row.handled_at else []
    return [(_("Proof"), show_code(row.authenticity)), *handled]
