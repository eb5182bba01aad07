"""Match the statements of providers with our attempts, and store what each run read and found."""

import logging
from collections.abc import Iterable

from django.db import transaction

from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.clock import Clock
from transfers.errors import RailCredentialsRefused, RailUnavailable
from transfers.matching import MatchReport, match_rail
from transfers.models import RailMatch, RailMismatch
from transfers.queries import newest_match
from transfers.services.switches import switch_off_for_credentials

MATCHING = Actor.system("transfers.matching")
# What the trail keeps of a run with mismatches; the stored rows have more.
KEPT_IN_TRAIL = 20
REFERENCE_LENGTH = 200

logger = logging.getLogger(__name__)


def match_rails(rail_names: Iterable[str], *, clock: Clock) -> int:
    """Match each of these rails and record it; return how many mismatches there were.

    A rail that is unavailable is left to the next run: health shows the age of the last complete one. One that refuses
    our credentials is switched off.
    """
    found = 0
    for name in rail_names:
        started_at = clock()
        try:
            report = match_rail(name, now=started_at)
        except RailUnavailable as error:
            if isinstance(error, RailCredentialsRefused):
                switch_off_for_credentials(error, asked_at=started_at, now=clock())
            logger.warning("rail %s could not be matched: %s", name, error.detail)
            continue
        record_match(report, clock=clock)
        found += report.mismatches_found
    return found


def record_match(report: MatchReport, *, clock: Clock) -> RailMatch:
    """Store a complete run with its mismatches; the trail of the rail gets those that the last run did not have."""
    with transaction.atomic():
        before = _stored(newest_match(report.rail))
        ended_at = max(clock(), report.started_at)
        row = RailMatch.objects.create(
            rail=report.rail, started_at=report.started_at, ended_at=ended_at, lines_read=report.lines_read,
            attempts_read=report.attempts_read, mismatches_found=report.mismatches_found,
        )  # fmt: skip
        RailMismatch.objects.bulk_create(
            RailMismatch(
                match=row, code=one.code, reference=one.reference[:REFERENCE_LENGTH],
                disbursement_id=one.disbursement_id, facts=one.facts,
            )
            for one in report.mismatches
        )  # fmt: skip
        new = sorted(_stored(row) - before)
        if new:
            facts = {"count": report.mismatches_found, "first": [list(one) for one in new[:KEPT_IN_TRAIL]]}
            trail.record(
                subject=f"rail:{report.rail}",
                action="find_mismatches",
                actor=MATCHING,
                at=ended_at,
                facts=facts,
            )
    return row


def _stored(match: RailMatch | None) -> set[tuple[str, str]]:
    """Return code and reference of the mismatches that a run stored."""
    return set(match.mismatches.values_list("code", "reference")) if match else set()
