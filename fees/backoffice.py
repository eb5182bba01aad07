"""How the back office shows a fee schedule: its page, and its brackets in facts."""

from collections.abc import Sequence

from django.utils.translation import gettext

from sunusav.backoffice.money import show_ppm, show_sats


def show_brackets(brackets: Sequence[tuple[int, int]]) -> str:
    """Show brackets given as pairs of an amount in sats and a rate in ppm."""
    return "; ".join(
        gettext("from %(amount)s: %(rate)s") % {"amount": show_sats(from_sats), "rate": show_ppm(rate_ppm)}
        for from_sats, rate_ppm in brackets
    )


PROPOSAL_PAGES = {"fee_schedule": "fees.feescheduledraft"}
FACT_FORMATS = {"brackets": show_brackets}
