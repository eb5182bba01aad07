"""Reads the status of payments that a provider's statement lists as reversed, and books those back that are."""

import logging
from collections.abc import Iterable

from sunusav.core.clock import Clock
from sunusav.core.errors import DomainError
from transfers.engine.destinations import order_of
from transfers.engine.switching import switch_off_refused
from transfers.enums import AttemptState, DisbursementState, MismatchCode
from transfers.errors import RailCredentialsRefused, RailUnavailable
from transfers.models import Attempt, RailMismatch
from transfers.queries import newest_matches
from transfers.rails import rail
from transfers.services.reversals import book_provider_reversal
from transfers.types import Reversed

logger = logging.getLogger(__name__)


def confirm_reversals(rail_names: Iterable[str], *, clock: Clock) -> int:
    """Read the status of each payment that the last match found reversed; return how many were booked back.

    What cannot be booked stays a mismatch, for people. Called outside any transaction.
    """
    booked = 0
    for attempt in _listed_as_reversed(rail_names):
        asked_at = clock()
        try:
            booked += confirm_reversal(attempt, clock=clock)
        except RailUnavailable as error:
            if isinstance(error, RailCredentialsRefused):
                switch_off_refused(error, asked_at=asked_at, now=clock())
            logger.warning("rail %s is unavailable: %s", error.rail, error.detail)
        except DomainError as refusal:
            logger.warning("the reversal of attempt %s is not booked: %s", attempt.pk, refusal)
        except Exception:
            # A bug about one payment must not keep the others from being booked back.
            logger.exception("the reversal of attempt %s is not booked", attempt.pk)
    return booked


def confirm_reversal(attempt: Attempt, *, clock: Clock) -> bool:
    """Ask the provider about a paid attempt, and book the payment back if it reports it as reversed; return whether.

    Raises: RailUnavailable, and as `book_provider_reversal`.
    """
    found = rail(attempt.order.rail).find(order_of(attempt.order))
    return isinstance(found, Reversed) and book_provider_reversal(attempt.pk, found, now=clock())


def _listed_as_reversed(rail_names: Iterable[str]) -> list[Attempt]:
    matches = [match for match in newest_matches(rail_names).values() if match]
    listed = RailMismatch.objects.filter(match__in=matches, code=MismatchCode.REVERSED_NOT_BOOKED)
    paid = Attempt.objects.filter(
        state=AttemptState.SUCCEEDED, disbursement__state=DisbursementState.COMPLETED,
        disbursement_id__in=listed.values("disbursement_id"),
    )  # fmt: skip
    return list(paid.select_related("order__disbursement").order_by("pk"))
