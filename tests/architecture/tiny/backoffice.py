from datetime import datetime

from sunusav.backoffice.inbox import ATTENTION, InboxItem, Notice
from sunusav.core.models import User


def _thirsty(user: User, now: datetime) -> Notice:
    return Notice("Trees that need water", 3, "/admin/", ATTENTION)


INBOX = [InboxItem("core.view_trailentry", _thirsty)]
