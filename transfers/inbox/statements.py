"""Differences from statements that a person of finance should explain."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.charts import list_url
from sunusav.backoffice.facts import numbered, show_code, show_code_or_text
from sunusav.backoffice.inbox import (
    ALARM,
    ATTENTION,
    ROWS_SHOWN,
    Amount,
    InboxItem,
    NextStep,
    Notice,
    Row,
    count_waiting,
)
from sunusav.backoffice.sections import page_of
from sunusav.core.models import User
from sunusav.core.roles import Role
from transfers.models import StatementItem
from transfers.statement_enums import ItemState
from transfers.statements.queries import open_items

# A partner's month is settled by then.
LATE_AFTER: Final = timedelta(days=31)


def _differences(user: User, now: datetime) -> Notice | None:
    """Report the open differences, the oldest first."""
    waiting = count_waiting(open_items(), since="opened_at", xof="at_stake_xof")
    if waiting is None:
        return None
    rows = open_items().order_by("opened_at", "pk")[:ROWS_SHOWN]
    is_late = waiting.since is not None and now - waiting.since > LATE_AFTER
    url = list_url("transfers.statementitem", state__exact=ItemState.OPEN.value)
    title, tone = _("Differences from statements to explain"), ALARM if is_late else ATTENTION
    return Notice(title, "", url, tone, waiting, [_row(row) for row in rows])


def _row(row: StatementItem) -> Row:
    page = page_of("transfers.statementitem", row.pk)
    title = f"{numbered(row.pk)} {show_code_or_text(row.source)}"
    step = NextStep(_("Explain"), page, "transfers.assign_statement_item")
    amount = Amount(xof=int(row.at_stake_xof))
    return Row(title, page, row.opened_at, amount=amount, why=show_code(row.code), step=step)


INBOX: Iterable[InboxItem] = [
    InboxItem("transfers.view_statementitem", _differences, [Role.FINANCE]),
]
