"""What an approver reads beside a manual rate: the rate of now, the gap, and what amounts become."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from ledger.calculations import gap_per_cent, is_near, shown_xof_from_sats
from ledger.queries import current_rate
from ledger.rates.current import last_accepted
from ledger.services.rates import MANUAL_RATE
from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.evidence import IF_APPROVED, Evidence, TypedFigure
from sunusav.backoffice.facts import moment, show_code_or_text
from sunusav.backoffice.money import show_per_cent, show_rate, show_sats, show_xof
from sunusav.backoffice.sections import Box
from sunusav.core import clock
from sunusav.core.models import Proposal

EXAMPLES_SATS = (10_000, 100_000)
COUNTS_AT_ONCE = _(
    "One bitcoin counts as %(rate)s from the approval on, until the market sources give a newer rate. What was booked"
    " stays priced as booked."
)
FAR_FROM_LAST = _("%(gap)s away from the last good rate (%(last)s, %(at)s): more than 20 %% is unusual.")
CHECK_SOURCES = _("Compare it with two sources of your own before you decide.")


@evidence_for(MANUAL_RATE)
def manual_rate_evidence(proposal: Proposal) -> Evidence:
    """Show the rate of now with its age and source, the gap, and what amounts become."""
    proposed, now = Decimal(proposal.facts["rate_xof_per_btc"]), clock.now()
    rate = current_rate(now)
    typed = unusual_rate(proposed)
    gap = show_per_cent(gap_per_cent(proposed, rate.rate_xof_per_btc), signed=True)
    changes: list[tuple[Any, ...]] = [
        (_("Rate"), show_rate(rate.rate_xof_per_btc), show_rate(proposed)),
        (_("Source"), show_code_or_text(rate.source), show_code_or_text("manual")),
        *(_example(amount, rate.rate_xof_per_btc, proposed) for amount in EXAMPLES_SATS),
    ]
    effect = ((_("Difference"), gap), (_("Age of the rate of now"), _age(rate.observed_at, now)))
    return Evidence(
        Box(IF_APPROVED, COUNTS_AT_ONCE % {"rate": show_rate(proposed)}, steps=[CHECK_SOURCES]),
        changes,
        effect,
        warnings=[typed.why] if typed else [],
        typed=typed,
    )


def unusual_rate(rate_xof_per_btc: Decimal) -> TypedFigure | None:
    """Return the rate to type again when it is more than a fifth away from the last good one, or from the fallback."""
    last = last_accepted() or current_rate(clock.now())
    if is_near(rate_xof_per_btc, last.rate_xof_per_btc):
        return None
    gap = show_per_cent(gap_per_cent(rate_xof_per_btc, last.rate_xof_per_btc), signed=True)
    facts = {"gap": gap, "last": show_rate(last.rate_xof_per_btc), "at": moment(last.observed_at)}
    return TypedFigure(
        f"{rate_xof_per_btc.normalize():f}", show_rate(rate_xof_per_btc), FAR_FROM_LAST % facts
    )


def _example(amount_sats: int, before: Decimal, after: Decimal) -> tuple[Any, ...]:
    worth = (show_xof(shown_xof_from_sats(amount_sats, rate_xof_per_btc=rate)) for rate in (before, after))
    return (show_sats(amount_sats), *worth)


def _age(observed_at: datetime, now: datetime) -> str:
    return f"{timesince(observed_at, now, depth=1)} ({moment(observed_at)})"
