"""What this app adds to timelines: the fee that was charged for a payment. Its return has its entry in the trail."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from fees.models import FeeRecord
from ledger.calculations import shown_xof_from_sats
from sunusav.backoffice.facts import show_actor
from sunusav.backoffice.money import show_rate, show_sats, show_xof
from sunusav.backoffice.sections import Line, link_to
from sunusav.backoffice.timeline import CHARGED, Story

FEES = "system:fees"


def lines(story: Story) -> Iterator[Line]:
    for row in FeeRecord.objects.filter(disbursement_ref__in=list(story.names), is_reversal=False):
        worth = shown_xof_from_sats(row.fee_sats, rate_xof_per_btc=row.rate_xof_per_btc)
        amounts = {"fee": show_sats(row.fee_sats), "worth": show_xof(worth)}
        yield Line(
            row.completed_at, CHARGED, gettext("Fee charged: %(fee)s (%(worth)s)") % amounts,
            who=show_actor(FEES),
            facts=_shares(row), links=[link_to(row, gettext("fee %(number)s") % {"number": row.pk})], key=row.pk,
        )  # fmt: skip


def _shares(row: FeeRecord) -> list[tuple[Any, Any]]:
    shares = (
        (_("Share of the platform"), row.platform_sats),
        (_("Share of the community fund"), row.community_sats),
        (_("Share of the partner"), row.partner_sats),
    )
    rate = (_("Exchange rate"), show_rate(row.rate_xof_per_btc))
    return [*((label, show_sats(share_sats)) for label, share_sats in shares), rate]
