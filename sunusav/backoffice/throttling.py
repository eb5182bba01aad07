"""How many logins may fail, counted by the account found, by IP address, and by browsers that the account knows.

In a quarter of an hour: five per account and address, fifty per address, twenty per account. The last one limits
guesses from many addresses, and anybody can reach it for anybody. So that nobody is locked out by others, a browser
that this account has logged in with before has its own count, and the other limits do not apply to it. A signed
cookie, which is no login, proves that it is one. Names without an account are counted alike, so that a limit reveals
nothing.

Wrong codes after the right password count as failures too, and at most twenty in a day: of a known browser, or of all
others together. The latter count starts anew with a new password, which the person who gave them does not know.
"""

import unicodedata
from datetime import datetime
from ipaddress import IPv6Address, ip_address
from secrets import token_urlsafe
from typing import TypeVar

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from rest_framework.throttling import BaseThrottle

from sunusav.core.login_attempts import Attempt, Limit, begin_attempt, failures_of, forget_attempts_of
from sunusav.core.models import User
from sunusav.core.second_factor import WRONG_CODES_A_DAY

PER_BROWSER, PER_ACCOUNT_AND_ADDRESS, PER_ACCOUNT, PER_ADDRESS = Limit(5), Limit(5), Limit(20), Limit(50)
SHARED = {PER_ACCOUNT, PER_ADDRESS}
KNOWN_BROWSER_SECONDS = 90 * 24 * 60 * 60
SALT = "sunusav.backoffice.known-browser"
IPV6_NETWORK_BITS = 64

Response = TypeVar("Response", bound=HttpResponseBase)


def begin_login(request: HttpRequest, username: str, *, now: datetime) -> Attempt:
    """Count an attempt to log in to an account. Raises: TooManyAttempts."""
    user = User.objects.filter(username=username).first()
    return begin_attempt(_limits(request, username, user), now=now)


def code_limits(request: HttpRequest, user: User) -> dict[str, Limit]:
    """Return the limits of wrong codes after the right password."""
    return {
        **_limits(request, user.get_username(), user),
        _codes_of_the_day(request, user): WRONG_CODES_A_DAY,
    }


def wrong_codes_today(request: HttpRequest, user: User, *, now: datetime) -> int:
    """Return how many codes were wrong in a day, after the right password, in this browser or in others together."""
    return failures_of(_codes_of_the_day(request, user), window=WRONG_CODES_A_DAY.window, now=now)


def _codes_of_the_day(request: HttpRequest, user: User) -> str:
    browser = _known_browser(request, user)
    way = f"at the browser {browser}" if browser else f"after the password {user.get_session_auth_hash()}"
    return f"codes of the day {way} of {user.pk}"


def end_login(request: HttpRequest, user: User) -> None:
    """Reset the counts of this account at this browser or address after a login."""
    for name, limit in _limits(request, user.get_username(), user).items():
        if limit not in SHARED:
            forget_attempts_of(name)


def know_browser(response: Response, user: User) -> Response:
    """Have the account know the browser that gets this response."""
    response.set_cookie(
        _cookie_of(user), signing.dumps([user.pk, token_urlsafe(12)], salt=SALT), max_age=KNOWN_BROWSER_SECONDS,
        path=reverse("admin:index"), secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Strict",
    )  # fmt: skip
    return response


def address_of(request: HttpRequest) -> str:
    """Return the client's IP address as the API's throttles see it, behind NUM_PROXIES proxies."""
    try:
        return str(ip_address(BaseThrottle().get_ident(request)))  # type: ignore[arg-type]  # it reads META alone
    except ValueError:
        return ""


def _limits(request: HttpRequest, username: str, user: User | None) -> dict[str, Limit]:
    # The database may find an account by other spellings, so its own name is counted.
    name = _folded(user.get_username() if user else username)
    if user is not None and (browser := _known_browser(request, user)):
        return {f"browser {name} {browser}": PER_BROWSER}
    network = _network(address_of(request))
    return {
        f"account {name} at {network}": PER_ACCOUNT_AND_ADDRESS,
        f"account {name}": PER_ACCOUNT,
        f"address {network}": PER_ADDRESS,
    }


def _known_browser(request: HttpRequest, user: User) -> str:
    try:
        pk, name = signing.loads(
            request.COOKIES.get(_cookie_of(user), ""), salt=SALT, max_age=KNOWN_BROWSER_SECONDS
        )
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    return str(name) if pk == user.pk else ""


def _cookie_of(user: User) -> str:
    return f"known_browser_{user.pk}"


def _folded(name: str) -> str:
    """Return a name without case, accents and compatible forms, as collations of databases compare it."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).strip()


def _network(address: str) -> str:
    """Return what one subscriber has of addresses: a whole network of IPv6."""
    parsed = ip_address(address) if address else None
    if isinstance(parsed, IPv6Address):
        return str(int(parsed) >> (128 - IPV6_NETWORK_BITS))
    return address
