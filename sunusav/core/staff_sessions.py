"""Sessions of people in the back office: listed, and ended one by one or all at once."""

from datetime import datetime
from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet

from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.errors import Forbidden, Missing
from sunusav.core.models import StaffSession, User
from sunusav.core.models.staff_session import BROWSER_LENGTH

END_SESSIONS = "core.end_staffsession"


class StaffSessionMissing(Missing):
    """The session has ended already."""

    session_id: str


class NotYourSession(Forbidden):
    """Only people with the right may end somebody else's sessions."""

    login: str


def follow_session(
    user: User, *, session_key: str, address: str, user_agent: str, started_at: datetime, now: datetime
) -> None:
    """Record that a person's session was used now; the first call inserts its row."""
    StaffSession.objects.update_or_create(
        session_id=session_key,
        defaults={"seen_at": now, "user": user},
        create_defaults={
            "user": user, "started_at": started_at, "seen_at": now, "address": address,
            "user_agent": user_agent[:BROWSER_LENGTH],
        },
    )  # fmt: skip


def sessions_of(user: User, *, now: datetime) -> QuerySet[StaffSession]:
    """Return the sessions of a person that have not expired, the last used first."""
    live = StaffSession.objects.filter(user=user, session__expire_date__gt=now)
    return live.order_by("-seen_at", "-pk")


def end_session(*, session_id: int, by: User, now: datetime) -> None:
    """End one session: the browser that has it must log in again. Raises: StaffSessionMissing, NotYourSession."""
    with transaction.atomic():
        row = StaffSession.objects.select_related("user").filter(pk=session_id).first()
        if row is None:
            raise StaffSessionMissing(session_id=str(session_id))
        _require_right(row.user, by)
        _delete([row.session_id])
        _record(row.user, by, now, sessions=1)


def end_sessions(user: User, *, by: User, now: datetime, except_session_key: str | None = None) -> int:
    """End all sessions of a person but the one named, and return how many. Raises: NotYourSession."""
    _require_right(user, by)
    with transaction.atomic():
        ended = delete_sessions(user, except_session_key=except_session_key)
        if ended:
            _record(user, by, now, sessions=ended)
    return ended


def delete_sessions(user: User, *, except_session_key: str | None = None) -> int:
    """Delete the sessions of a person, in the caller's transaction; return how many."""
    keys = StaffSession.objects.filter(user=user).exclude(session_id=except_session_key or "")
    return _delete(list(keys.values_list("session_id", flat=True)))


def clean_up_sessions(*, now: datetime) -> int:
    """Delete expired sessions, with what is known about whose they were; return how many."""
    expired = Session.objects.filter(expire_date__lt=now).order_by("expire_date")
    return _delete(list(expired.values_list("pk", flat=True)[:10_000]))


def _delete(keys: list[str]) -> int:
    _rows, deleted = Session.objects.filter(pk__in=keys).delete()
    return deleted.get("sessions.Session", 0)


def _require_right(user: User, by: User) -> None:
    if user.pk != by.pk and not by.has_perm(END_SESSIONS):
        raise NotYourSession(login=user.get_username())


def _record(user: User, by: User, now: datetime, **facts: Any) -> None:
    trail.record(
        subject=f"user:{user.get_username()}", action="end_sessions", actor=Actor.of(by), at=now, facts=facts
    )
