"""Headers of the back office's pages: kept by no cache, and a content policy that its scripts can work under."""

from collections.abc import Callable
from typing import Any

from csp.constants import NONCE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.cache import add_never_cache_headers

# Relaxed where unfold needs it: Alpine evaluates expressions in attributes; htmx, Alpine and Chart.js set styles.
CONTENT_POLICY: dict[str, Any] = {
    "script-src": [SELF, UNSAFE_EVAL, NONCE],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "font-src": [SELF],
    "connect-src": [SELF],
    "manifest-src": [SELF],
}


class BackofficeHeaders:
    """Set the headers of every response below the admin's index, the login's and refusals included."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.get_page = csp_replace(CONTENT_POLICY)(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(reverse("admin:index")):
            return self.get_response(request)
        response = self.get_page(request)
        add_never_cache_headers(response)
        return response
