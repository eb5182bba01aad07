"""Inbox items about settlements: months that nobody closed, and settlements to pay, to repair, to propose again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from partners.enums import SettlementStatus
from partners.models import ContestedLine
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
    count_waiting,
)
from sunusav.backoffice.sections import page_of
from sunusav.core.models import User
from sunusav.core.roles import Role

LIST = "admin:partners_settlement_changelist"
CLOSE = "admin:partners_settlement_action"
PROPOSE, EXECUTE = "partners.propose_settlement", "partners.execute_settlement"
ANSWER = "partners.answer_contested_line"


class Wanted(NamedTuple):
    """What a state waits for: the title, its tone, the next step and who may take it."""

    title: Any
    tone: str
    button: Any
    permission: str


WANTED = {
    SettlementStatus.APPROVED: Wanted(_("Settlements to pay"), ATTENTION, _("Pay"), EXECUTE),
    SettlementStatus.FAILED: Wanted(_("Settlements whose payment failed"), ALARM, _("Repair"), EXECUTE),
    SettlementStatus.REJECTED: Wanted(_("Rejected settlements"), ATTENTION, _("Open"), PROPOSE),
}


def _unproposed(user: User, now: datetime) -> Notice | None:
    """Report the months that are over and that neither the schedule nor a person has closed."""
    found = [(one.partner, window) for one in all_due(now=now) for window in one.windows]
    if not found:
        return None
    step = NextStep(_("Close the month"), reverse(CLOSE, args=["close"]), PROPOSE)
    rows = [
        Row(f"{show_code_or_text(partner)} {window.start:%Y-%m}", since=window.end, step=step)
        for partner, window in found
    ]
    waiting = Waiting(len(found), since=min(window.end for _partner, window in found))
    return Notice(
        _("Months to settle with partners"), "", reverse(LIST), ATTENTION, waiting, rows[:ROWS_SHOWN]
    )


def _unsettled(user: User, now: datetime) -> list[Notice]:
    """Report the settlements that wait for a person, by what they wait for."""
    by_status: dict[str, list[SettlementFacts]] = {}
    for one in unsettled():
        by_status.setdefault(one.status, []).append(one)
    return [_notice(by_status[status], status) for status in WANTED if status in by_status]


def _notice(found: Sequence[SettlementFacts], status: SettlementStatus) -> Notice:
    wanted = WANTED[status]
    waiting = Waiting(len(found), Amount(xof=sum(one.amount_xof for one in found)), found[0].created_at)
    rows = _rows(found[:ROWS_SHOWN], wanted.button, wanted.permission)
    return Notice(wanted.title, "", f"{reverse(LIST)}?status={status.value}", wanted.tone, waiting, rows)


def _rows(found: Sequence[SettlementFacts], button: Any, permission: str) -> list[Row]:
    return [
        Row(
            f"{numbered(one.id)} {show_code_or_text(one.partner)} {one.period_start:%Y-%m}",
            page_of("partners.settlement", one.id), one.created_at, amount=Amount(xof=one.amount_xof),
            step=NextStep(button, page_of("partners.settlement", one.id), permission),
        )
        for one in found
    ]  # fmt: skip


def _contested(user: User, now: datetime) -> Notice | None:
    """Report lines that partners contest and that nobody has answered."""
    rows = ContestedLine.objects.filter(answer=None)
    waiting = count_waiting(rows, since="recorded_at")
    if waiting is None:
        return None
    found = rows.select_related("settlement").order_by("recorded_at", "pk")[:ROWS_SHOWN]
    url = f"{reverse('admin:partners_contestedline_changelist')}?state=waits_for_answer"
    shown = [_contested_line(one) for one in found]
    return Notice(_("Contested lines to answer"), "", url, ATTENTION, waiting, shown)


def _contested_line(one: ContestedLine) -> Row:
    page = page_of("partners.contestedline", one.pk)
    title = (
        f"{numbered(one.pk)} {show_code_or_text(one.settlement.partner)} {one.settlement.period_start:%Y-%m}"
    )
    return Row(title, page, one.recorded_at, why=one.reason, step=NextStep(_("Answer"), page, ANSWER))


INBOX = [
    InboxItem("partners.view_settlement", _unproposed, [Role.FINANCE]),
    InboxItem("partners.view_settlement", _unsettled, [Role.FINANCE]),
    InboxItem("partners.view_contestedline", _contested, [Role.FINANCE]),
]
