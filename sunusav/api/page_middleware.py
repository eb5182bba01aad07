"""Django's middleware for sessions, log-in, messages and languages, skipped for requests to the API.

The API authenticates by token and has no sessions. With this middleware a fee quote takes a third longer.
"""

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django_otp.middleware import OTPMiddleware

API_PREFIX = "/monetization/"


class _PagesOnly:
    """A mixin for a middleware that makes it skip requests to the API."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(API_PREFIX):
            return self.get_response(request)  # type: ignore[no-any-return]
        return super().__call__(request)  # type: ignore[no-any-return, misc]


class PageSession(_PagesOnly, SessionMiddleware):
    pass


class PageLocale(_PagesOnly, LocaleMiddleware):
    pass


class PageAuthentication(_PagesOnly, AuthenticationMiddleware):
    pass


class PageOtp(_PagesOnly, OTPMiddleware):  # type: ignore[misc]  # django-otp carries no types
    pass


class PageMessages(_PagesOnly, MessageMiddleware):
    pass
