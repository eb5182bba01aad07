"""Codes that a session has used lately: it needs no new one for a few minutes.

Stored with the key of the session, so that a session with another key (a rotated one too) starts from nothing.
"""

from datetime import datetime

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase

ACCEPTED = "code_accepted"


def accept_code(session: SessionBase, *, now: datetime) -> None:
    """Remember that this session has just used a code."""
    session[ACCEPTED] = {"session": session.session_key, "at": int(now.timestamp())}


def has_fresh_code(session: SessionBase | None, *, now: datetime) -> bool:
    """Return whether this session used a code in the last minutes."""
    accepted = session.get(ACCEPTED) if session is not None else None
    if session is None or not accepted or not session.session_key:
        return False
    age_seconds = int(now.timestamp()) - int(accepted["at"])
    is_own = accepted["session"] == session.session_key
    return is_own and 0 <= age_seconds < settings.SECOND_FACTOR_FRESH_SECONDS
