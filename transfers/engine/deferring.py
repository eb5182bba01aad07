"""Giving back what may be paid, but not now: it says why, and comes again when it may go."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from sunusav.core.outbox import Announcement, announce_all
from sunusav.core.trail import TrailFact, record_all
from transfers.engine.claims import ENGINE, Claim, held
from transfers.engine.closing import put_under_review
from transfers.enums import LIMIT_DEFERRALS
from transfers.models import Disbursement
from transfers.services.disbursements import subject_of
from transfers.types import Deferral


def defer(claim: Claim, why: Deferral, *, now: datetime) -> None:
    """Give a claimed disbursement back until it may go; what never goes by itself waits for a person.

    Nothing happens if the claim was lost, but ClaimLost is raised of what a person should decide on.
    """
    if why.until is None:
        put_under_review(claim, code=why.code, message=why.message, now=now, due_at=None)
        return
    with transaction.atomic(durable=True):
        changed = held(claim).update(due_at=why.until, claimed_by="", **_said(why))
        if changed == 1:
            _tell([claim.row], why, now=now)


def defer_all(rows: Iterable[Disbursement], why: Deferral, *, now: datetime) -> None:
    """Have due disbursements that nobody has in hand wait until `why` ends, all in one statement."""
    ids = [row.pk for row in rows]
    if not ids:
        return
    with transaction.atomic(durable=True):
        # Whoever claimed one of them since has pushed its due moment on.
        waiting = Disbursement.objects.select_for_update(skip_locked=True).filter(pk__in=ids, due_at__lte=now)
        free = list(waiting.order_by("pk"))
        Disbursement.objects.filter(pk__in=[row.pk for row in free]).update(due_at=why.until, **_said(why))
        _tell(free, why, now=now)


def _said(why: Deferral) -> dict[str, str]:
    return {"failure_code": why.code, "failure_message": why.message[:500]}


def _tell(rows: Iterable[Disbursement], why: Deferral, *, now: datetime) -> None:
    """Tell of what waits for a new reason; to wait on for the same one is no news.

    The platform hears of limits and cooling-off: hours, in which an invoice may expire. A rail is told of by itself.
    """
    news = [row for row in rows if row.failure_code != why.code]
    record_all([
        TrailFact(subject_of(row.pk), "defer", ENGINE, now, reason=why.message, facts={"code": str(why.code)})
        for row in news
    ])  # fmt: skip
    if news and why.code in LIMIT_DEFERRALS and why.until is not None:
        facts = {"failure_code": str(why.code), "until": why.until.isoformat()}
        announce_all([_announcement(row, facts) for row in news], at=now)


def _announcement(row: Disbursement, facts: dict[str, str]) -> Announcement:
    payload = {"id": row.pk, "subject": row.subject, "state": row.state, "net_sats": row.net_sats, **facts}
    return Announcement("disbursement.held_back", row.subject, payload)
