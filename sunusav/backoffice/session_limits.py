"""Sessions of the back office end after a time without use, and at the latest after a working day."""

from collections.abc import Callable
from datetime import UTC, datetime

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from sunusav.backoffice.throttling import address_of
from sunusav.core import clock
from sunusav.core.models import User
from sunusav.core.staff_sessions import follow_session

STAFF_SESSION = "staff_session"
# How exactly "last used" is known: a session is not written with every request.
SEEN_EVERY_SECONDS = 60


class SessionLimits:
    """Log out people whose session is over, before any page of the back office is made."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(reverse("admin:index")) and isinstance(request.user, User):
            _apply_limits(request, request.user, now=clock.now())
        return self.get_response(request)


def start_session(request: HttpRequest, user: User, *, now: datetime) -> None:
    """Begin to measure a session, and list it among the person's."""
    seconds = int(now.timestamp())
    request.session[STAFF_SESSION] = {"key": request.session.session_key, "started": seconds, "seen": seconds}
    _follow(request, user, now)


def follow_rotated(request: HttpRequest, user: User, *, now: datetime) -> None:
    """List a session under its new key at once: until its next request, nobody could end it otherwise."""
    kept = request.session[STAFF_SESSION]
    request.session[STAFF_SESSION] = {**kept, "key": request.session.session_key}
    _follow(request, user, now)


def _apply_limits(request: HttpRequest, user: User, *, now: datetime) -> None:
    kept, seconds = request.session.get(STAFF_SESSION), int(now.timestamp())
    if kept is None:
        return start_session(request, user, now=now)
    if not 0 <= seconds - kept["started"] < settings.SESSION_ABSOLUTE_SECONDS:
        return _end(request, _("You were logged out at the end of the session. Log in again."))
    if seconds - kept["seen"] >= settings.SESSION_IDLE_SECONDS:
        return _end(request, _("You were logged out because the session was not used. Log in again."))
    is_rotated = kept["key"] != request.session.session_key
    if is_rotated or seconds - kept["seen"] >= SEEN_EVERY_SECONDS:
        request.session[STAFF_SESSION] = {**kept, "key": request.session.session_key, "seen": seconds}
        _follow(request, user, now)
    return None


def _end(request: HttpRequest, why: str) -> None:
    logout(request)
    messages.info(request, why)


def _follow(request: HttpRequest, user: User, now: datetime) -> None:
    follow_session(
        user, session_key=str(request.session.session_key), address=address_of(request),
        user_agent=request.headers.get("User-Agent", ""), now=now,
        started_at=datetime.fromtimestamp(request.session[STAFF_SESSION]["started"], tz=UTC),
    )  # fmt: skip
