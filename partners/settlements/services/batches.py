"""Propose all windows of a partner that are due, one after the other: for schedules, commands and the API."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import uuid4

from partners.models import Settlement
from partners.settlements.errors import SettlementPartnerUnknown, WindowOutOfOrder
from partners.settlements.queries import due_windows
from partners.settlements.services.windows import close_window
from sunusav.core.models import User
from sunusav.core.service_accounts import scheduler_account
from sunusav.core.wake_ups import wake
from transfers import queries as directory

PROPOSE: Final = "partners.propose_settlement"
PROPOSE_TASK: Final = "partners.propose_settlements"
# No person: the scheduler proposes.
SCHEDULED: Final = ""


def propose_due(
    *, partner: str, now: datetime, proposer: str = SCHEDULED, through: datetime | None = None
) -> Iterator[Settlement]:
    """Close each window that is due and yield its settlement; each is committed before the next is begun.

    Only up to the month that begins at `through`, where it is given. Safe to run twice, at once or after it was
    stopped: a window is closed once. Raises: SettlementPartnerUnknown, NotAllowedToDecide.
    """
    user = proposer_named(proposer)
    for window in due_windows(partner, now=now):
        if through is not None and window.start > through:
            return
        try:
            yield close_window(partner=partner, proposer=user, now=now, starting_at=window.start)
        except WindowOutOfOrder:  # somebody else closed it meanwhile
            continue


def proposer_named(proposer: str) -> User:
    """Return the person of that login who proposes; the scheduler's account where none is named."""
    return User.objects.get(username=proposer) if proposer else scheduler_account(PROPOSE)


def queue_proposals(*, partner: str, proposer: User) -> str:
    """Have a worker propose the windows of a partner that are due, in the name of a person; return the task's id.

    Raises: SettlementPartnerUnknown.
    """
    if directory.partner(partner) is None:
        raise SettlementPartnerUnknown(partner=partner)
    task_id = uuid4().hex
    wake(PROPOSE_TASK, partner, proposer.get_username(), task_id=task_id)
    return task_id
