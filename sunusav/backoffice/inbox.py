"""What waits for the person who entered. Apps tell it by a list `INBOX` in their `desk.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sunusav.core.app_modules import collect
from sunusav.core.models import User

CALM, ATTENTION, ALARM = "calm", "attention", "alarm"


@dataclass(frozen=True)
class Notice:
    """One line of the first page: what, how much or how, where to go, and how urgent it is."""

    title: Any
    value: Any
    url: str
    tone: str = CALM


@dataclass(frozen=True)
class InboxItem:
    """Something to look at, for people who hold the permission. `read` answers nothing when there is nothing to say."""

    permission: str
    read: Callable[[User, datetime], Notice | None]


def notices_for(user: User, *, now: datetime) -> list[Notice]:
    """Return the notices for this person, the most urgent first."""
    asked: list[InboxItem] = [
        item for item in collect("backoffice", "INBOX") if user.has_perm(item.permission)
    ]
    notices = [notice for item in asked if (notice := item.read(user, now))]
    return sorted(notices, key=lambda notice: (ALARM, ATTENTION, CALM).index(notice.tone))
