"""What this room has waiting on the desk's first page."""

from datetime import datetime

from django.urls import reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.facts import show_text
from sunusav.backoffice.inbox import ALARM, ATTENTION, CALM, InboxItem, Notice
from sunusav.core.models import User
from transfers import queries
from transfers.enums import LIMIT_DEFERRALS, DisbursementState


def _reviews(user: User, now: datetime) -> Notice:
    queue = queries.review_queue()
    state = DisbursementState.NEEDS_REVIEW.value
    # Ordered by the first column, the number: the oldest first.
    url = f"{reverse('admin:transfers_disbursement_changelist')}?state__exact={state}&o=1"
    if not queue:
        return Notice(_("Payments that need a person's look"), 0, url, CALM)
    told = {"count": len(queue), "age": timesince(queue[0].since, now, depth=1)}
    value = _("%(count)s, the oldest for %(age)s") % told
    return Notice(_("Payments that need a person's look"), value, url, ATTENTION)


def _troubled_collections(user: User, now: datetime) -> Notice:
    count = sum(queries.collections_in_trouble().values())
    url = f"{reverse('admin:transfers_collection_changelist')}?trouble__gt="
    return Notice(
        _("Requests to be paid that need a person's look"), count, url, ATTENTION if count else CALM
    )


def _deferral(user: User, now: datetime) -> Notice | None:
    count = sum(queries.deferred_by(LIMIT_DEFERRALS).values())
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
    names = ", ".join(show_text(row.rail) for row in stopped)
    return Notice(_("Ways to pay that are stopped after failures"), names, url, ALARM) if stopped else None


INBOX = [
    InboxItem("transfers.view_disbursement", _reviews),
    InboxItem("transfers.view_disbursement", _deferral),
    InboxItem("transfers.view_railbreaker", _stopped_rails),
    InboxItem("transfers.view_collection", _troubled_collections),
]
SUBJECT_PAGES = {
    "manual_resolution": "transfers.disbursement",
    "payment_limit": "transfers.paymentlimitrequest",
    "payment_exception": "transfers.disbursement",
}
NAVIGATION = {"transfers": 0}
