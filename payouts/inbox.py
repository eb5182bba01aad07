"""Inbox items about members' refunds and credit."""

from datetime import datetime
from typing import Any, Final

from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from payouts.enums import RefundStage
from payouts.models import Refund
from payouts.queries.refunds import long_waiting_refunds, refunds_in
from payouts.services.credit_readings import OLD_CREDIT, READ_WITHIN
from sunusav.backoffice.facts import numbered
from sunusav.backoffice.inbox import (
    ATTENTION,
    ROWS_SHOWN,
    Amount,
    InboxItem,
    NextStep,
    Notice,
    Row,
    Waiting,
    count_waiting,
)
from sunusav.backoffice.sections import page_of
from sunusav.core.models import User
from sunusav.core.money import MSAT_PER_SAT, msat_from_sats
from sunusav.core.readings import reading
from sunusav.core.roles import Role

CREDIT_PAGE: Final = "admin:payouts_member_credit"


def _failed_refunds(user: User, now: datetime) -> Notice | None:
    return _refunds(
        _("Refunds that failed or are under review"), RefundStage.FAILED, refunds_in(RefundStage.FAILED)
    )


def _waiting_refunds(user: User, now: datetime) -> Notice | None:
    return _refunds(_("Refunds not paid for more than a day"), RefundStage.WAITING, long_waiting_refunds(now))


def _refunds(title: Any, stage: RefundStage, rows: QuerySet[Refund]) -> Notice | None:
    waiting = count_waiting(rows, since="requested_at", msat=F("amount_sats") * MSAT_PER_SAT)
    if waiting is None:
        return None
    # `o=1` orders by the first column, the number: the oldest first.
    url = f"{reverse('admin:payouts_refund_changelist')}?stage={stage.value}&o=1"
    shown = [_refund(row) for row in rows.order_by("pk")[:ROWS_SHOWN]]
    return Notice(title, "", url, ATTENTION, waiting, shown)


def _refund(row: Refund) -> Row:
    page = page_of("payouts.refund", row.pk)
    return Row(
        title=f"{numbered(row.pk)} {row.user_id}", url=page, since=row.requested_at,
        amount=Amount(msat_from_sats(row.amount_sats)), why=row.reason,
        step=NextStep(_("Open"), page),
    )  # fmt: skip


def _old_credit(user: User, now: datetime) -> Notice | None:
    """Report what members have not used for 30 days, as last read; less than a sat cannot be paid out."""
    row = reading(OLD_CREDIT)
    if row is None or row.read_at < now - READ_WITHIN or not row.facts["members"]:
        return None
    waiting = Waiting(
        row.facts["members"], Amount(row.facts["left_msat"]), parse_datetime(str(row.facts["since"]))
    )
    return Notice(_("Members with credit older than 30 days"), "", reverse(CREDIT_PAGE), ATTENTION, waiting)


INBOX = [
    InboxItem("payouts.view_refund", _failed_refunds, [Role.FINANCE]),
    InboxItem("payouts.view_refund", _waiting_refunds, [Role.FINANCE]),
    InboxItem("payouts.view_member", _old_credit, [Role.FINANCE]),
]
