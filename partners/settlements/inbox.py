"""Inbox items about settlements: months that nobody closed, and settlements to pay, to repair, to propose again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from partners.enums import SettlementStatus
from partners.settlements.queries import all_due, unsettled
from partners.settlements.types import SettlementFacts
from sunusav.backoffice.facts import numbered, show_code_or_text
from sunusav.backoffice.inbox import (
    ALARM,
    ATTENTION,
    ROWS_SHOWN,
    Amount,
    InboxItem,
    NextStep,
    Notice,
    Row,
    Waiting,
)
from sunusav.backoffice.sections import page_of
from sunusav.core.models import User
from sunusav.core.roles import Role

LIST = "admin:partners_settlement_changelist"
CLOSE = "admin:partners_settlement_action"


def _unproposed(user: User, now: datetime) -> Notice | None:
    """Report the months that are over and that neither the schedule nor a person has closed."""
    found = [(one.partner, window) for one in all_due(now=now) for window in one.windows]
    if not found:
        return None
    step = NextStep(_("Close the month"), reverse(CLOSE, args=["close"]), "partners.propose_settlement")
    rows = [
        Row(f"{show_code_or_text(partner)} {window.start:%Y-%m}", since=window.end, step=step)
        for partner, window in found
    ]
    waiting = Waiting(len(found), since=min(window.end for _partner, window in found))
    return Notice(
        _("Months to settle with partners"), "", reverse(LIST), ATTENTION, waiting, rows[:ROWS_SHOWN]
    )


def _to_pay(user: User, now: datetime) -> Notice | None:
    return _notice(_("Settlements to pay"), SettlementStatus.APPROVED, ATTENTION, _("Pay"))


def _failed(user: User, now: datetime) -> Notice | None:
    return _notice(_("Settlements whose payment failed"), SettlementStatus.FAILED, ALARM, _("Repair"))


def _rejected(user: User, now: datetime) -> Notice | None:
    return _notice(_("Rejected settlements"), SettlementStatus.REJECTED, ATTENTION, _("Open"))


def _notice(title: Any, status: SettlementStatus, tone: str, button: Any) -> Notice | None:
    found = [one for one in unsettled() if one.status == status]
    if not found:
        return None
    waiting = Waiting(len(found), Amount(xof=sum(one.amount_xof for one in found)), found[0].created_at)
    url = f"{reverse(LIST)}?status={status.value}"
    return Notice(title, "", url, tone, waiting, _rows(found[:ROWS_SHOWN], button))


def _rows(found: Sequence[SettlementFacts], button: Any) -> list[Row]:
    return [
        Row(
            f"{numbered(one.id)} {show_code_or_text(one.partner)} {one.period_start:%Y-%m}",
            page_of("partners.settlement", one.id), one.created_at, amount=Amount(xof=one.amount_xof),
            step=NextStep(button, page_of("partners.settlement", one.id), "partners.propose_settlement"),
        )
        for one in found
    ]  # fmt: skip


INBOX = [
    InboxItem("partners.view_settlement", _unproposed, [Role.FINANCE]),
    InboxItem("partners.view_settlement", _to_pay, [Role.FINANCE]),
    InboxItem("partners.view_settlement", _failed, [Role.FINANCE]),
    InboxItem("partners.view_settlement", _rejected, [Role.FINANCE]),
]
