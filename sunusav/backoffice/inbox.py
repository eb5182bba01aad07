"""The inbox on the first page: what waits for this person. Apps list their items in `INBOX` of `backoffice.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sunusav.core.app_modules import collect
from sunusav.core.models import User

CALM, ATTENTION, ALARM = "calm", "attention", "alarm"


@dataclass(frozen=True)
class Notice:
    """One line of the inbox: what it is about, a number or a state, where to go, and how urgent it is."""

    title: Any
    value: Any
    url: str
    tone: str = CALM


@dataclass(frozen=True)
class InboxItem:
    """A source of notices for people with the permission. `read` returns None when there is nothing to show."""

    permission: str
    read: Callable[[User, datetime], Notice | None]


def notices_for(user: User, *, now: datetime) -> list[Notice]:
    """Return the notices for this person, the most urgent first."""
    items: list[InboxItem] = [
        item for item in collect("backoffice", "INBOX") if user.has_perm(item.permission)
    ]
    notices = [notice for item in items if (notice := item.read(user, now))]
    return sorted(notices, key=lambda notice: (ALARM, ATTENTION, CALM).index(notice.tone))
