"""Where partners deliver their webhooks: verified, stored and answered; a worker does the rest."""

from __future__ import annotations

from time import time
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import Throttled
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from partners.errors import WebhookNotAuthentic
from partners.services.webhooks import record_webhook
from partners.webhooks.refusals import count_refused
from partners.webhooks.types import Delivery
from sunusav.api import throttling
from sunusav.api.problems import BodyTooLarge
from sunusav.api.renderers import ExactJSONRenderer
from sunusav.api.views import ApiView

MAX_BYTES = 65_536
REFUSED = "refused_webhook"


class Webhook(ApiView):
    """Deliveries of one partner. They need no token of ours: a signature or a secret of the partner's proves them.

    The body is read as it is, whatever its content type, because the signature covers its bytes. Only refused
    deliveries are limited per address: an authentic one that is answered 4xx is lost, for Sonatel never repeats it.
    """

    public = True
    schema = None
    http_method_names = ["post"]
    authentication_classes = []

    def post(self, request: Request, partner: str) -> HttpResponseBase:
        return self._record(request, partner, "")

    def _record(self, request: Request, partner: str, path_token: str) -> HttpResponseBase:
        headers = {name.lower(): value for name, value in request.headers.items()}
        delivery = Delivery(headers, _body_of(request), path_token)
        return HttpResponse(status=record_webhook(partner, delivery, now=self.now))

    def perform_content_negotiation(
        self,
        request: Request,
        force: bool = False,  # noqa: FBT001, FBT002  (DRF's signature)
    ) -> tuple[BaseRenderer, str]:
        return ExactJSONRenderer(), "application/json"

    def check_throttles(self, request: Request) -> None:
        """Let every delivery pass as far as its verification, which costs less than this count would."""

    def handle_exception(self, exc: Exception) -> Response:
        """Count what is refused; an address that is refused often is answered 429, which is not counted."""
        if isinstance(exc, WebhookNotAuthentic):
            wait = throttling.seconds_to_wait(REFUSED, self._address(self.request), at=time())
            if wait:
                return super().handle_exception(Throttled(wait))
            count_refused(exc.partner, now=self.now)
        return super().handle_exception(exc)


class WebhookAtSecretPath(Webhook):
    """Deliveries of a partner that signs nothing, to an address that only the partner knows.

    MTN's documents name both methods.
    """

    http_method_names = ["post", "put"]

    def post(self, request: Request, partner: str, path_token: str) -> HttpResponseBase:  # type: ignore[override]
        return self._record(request, partner, path_token)

    put = post


def _body_of(request: Request) -> bytes:
    """Read the raw body. Raises: BodyTooLarge."""
    stream: Any = request.stream
    body: bytes = stream.read(MAX_BYTES + 1) if stream is not None else b""
    if len(body) > MAX_BYTES:
        raise BodyTooLarge
    return body
