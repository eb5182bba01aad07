"""What this room has waiting on the desk's first page."""

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from sunusav.core.models import User
from sunusav.desk.waiting import ALARM, ATTENTION, CALM, Notice, Waiting
from transfers import queries
from transfers.enums import LIMIT_HOLDS, DisbursementState


def _reviews(user: User, now: datetime) -> Notice:
    count = queries.waiting_for_review()
    state = DisbursementState.NEEDS_REVIEW.value
    url = f"{reverse('admin:transfers_disbursement_changelist')}?state__exact={state}"
    return Notice(_("Payments that need a person's look"), count, url, ATTENTION if count else CALM)


def _held_back(user: User, now: datetime) -> Notice | None:
    count = sum(queries.held_back_by(LIMIT_HOLDS).values())
    state = DisbursementState.PROCESSING.value
    url = f"{reverse('admin:transfers_disbursement_changelist')}?state__exact={state}"
    return (
        Notice(_("Payments that wait for a limit or for their new destination"), count, url)
        if count
        else None
    )


def _stopped_rails(user: User, now: datetime) -> Notice | None:
    stopped = queries.stopped_rails()
    url = reverse("admin:transfers_railbreaker_changelist")
    names = ", ".join(row.rail for row in stopped)
    return Notice(_("Ways to pay that are stopped after failures"), names, url, ALARM) if stopped else None


WAITING = [
    Waiting("transfers.view_disbursement", _reviews),
    Waiting("transfers.view_disbursement", _held_back),
    Waiting("transfers.view_railbreaker", _stopped_rails),
]
