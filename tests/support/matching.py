"""What a match with the provider finds once nothing is moving any more."""

from datetime import timedelta

from sunusav.core import clock
from transfers.matching import Mismatch, match_rail

# Later than all clocks of a test, those that it sets ahead included.
LATER = timedelta(days=1)


def mismatches_of(rail_name: str) -> list[Mismatch]:
    """Match a rail a day from now, so that nothing is left to a next run; return every mismatch."""
    report = match_rail(rail_name, now=clock.now() + LATER)
    assert report.mismatches_found == len(report.mismatches)
    return report.mismatches
