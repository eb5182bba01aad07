"""The view every endpoint of the API is made from."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, cached_property, partial
from hashlib import sha256
from time import time
from typing import Any, ClassVar

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from rest_framework.exceptions import (
    AuthenticationFailed,
    ErrorDetail,
    MethodNotAllowed,
    NotAcceptable,
    Throttled,
    ValidationError,
)
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from sunusav.api import idempotency, throttling
from sunusav.api.errors import PersonRequired
from sunusav.api.pagination import PAGE_PARAMETERS
from sunusav.api.parsers import StrictJSONParser
from sunusav.api.permissions import may
from sunusav.api.problems import LengthRequired
from sunusav.api.renderers import ExactJSONRenderer
from sunusav.api.serializers import FROM_QUERY
from sunusav.core import clock
from sunusav.core.actors import Actor
from sunusav.core.models import User
from sunusav.core.second_factor import require_second_factor

# The API speaks one language; the admin speaks the reader's.
LANGUAGE = "en"
ONE_TIME_CODE = "X-OTP"
_JSON = ExactJSONRenderer()
_ACCEPTED = ("*/*", "application/*", "application/json", "application/problem+json")


class ApiView(APIView):
    """Deny by default; read strict JSON; answer JSON or a problem document; never be cached.

    A subclass names the permission of each method in `required_permissions`, or says `public = True`. Its
    methods hold no `try`: refusals travel as exceptions to the one handler in `sunusav.api.problems`.
    """

    public: ClassVar[bool] = False
    required_permissions: ClassVar[Mapping[str, str | tuple[str, ...]]] = {}
    # What else than JSON a client may ask for here: a view that answers an image says so.
    also_accepted: ClassVar[tuple[str, ...]] = ()

    http_method_names = ["get", "head", "post", "put", "delete"]
    caller: User | AnonymousUser
    parser_classes = [StrictJSONParser]
    renderer_classes = [ExactJSONRenderer]

    def body(self, shape: type[Serializer[Any]]) -> dict[str, Any]:
        """Return the body as the shape reads it. Raises: ValidationError, naming each field that is wrong."""
        return dict(_reader(shape, from_query=False).run_validation(self.request.data))

    def query(self, shape: type[Serializer[Any]]) -> dict[str, Any]:
        """Return the query string as the shape reads it, paging aside. Raises: ValidationError."""
        given = {n: v for n, v in self.request.query_params.lists() if n not in PAGE_PARAMETERS}
        if repeated := [name for name, values in given.items() if len(values) > 1]:
            raise ValidationError({name: [ErrorDetail("Given twice.", code="repeated")] for name in repeated})
        return dict(_reader(shape, from_query=True).run_validation({n: v[0] for n, v in given.items()}))

    @property
    def user(self) -> User:
        """Return who asks; there is always somebody unless the view is public."""
        assert isinstance(self.caller, User), "a public view has no user"  # noqa: S101  (a programmer's mistake)
        return self.caller

    @cached_property
    def actor(self) -> Actor:
        """Return who asks, as the trail keeps it."""
        return Actor.of(self.user)

    @cached_property
    def now(self) -> datetime:
        """Return the moment of this request."""
        return clock.now()

    def require_second_factor(self) -> None:
        """Ask the person for the fresh one-time code in `X-OTP`.

        Raises: PersonRequired, SecondFactorNotEnrolled, SecondFactorRefused.
        """
        if self.user.is_service:
            raise PersonRequired
        require_second_factor(self.user, self.request.headers.get(ONE_TIME_CODE, ""))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.args, self.kwargs, self.headers = args, kwargs, {}
        self.request = self.initialize_request(request, *args, **kwargs)
        if translation.get_language() != LANGUAGE:
            translation.activate(LANGUAGE)
        return self._finished(self._admitted)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let in what may come in: the method exists, the caller is known, allowed and in rate."""
        if str(request.method).lower() not in self.http_method_names or self._method(request) is None:
            self.headers["Allow"] = ", ".join(self.allowed_methods)
            raise MethodNotAllowed(str(request.method))
        renderer, media_type = self.perform_content_negotiation(request)
        request.accepted_renderer, request.accepted_media_type = renderer, media_type
        if "Transfer-Encoding" in request.headers and not request.headers.get("Content-Length"):
            raise LengthRequired
        self.perform_authentication(request)
        self.check_permissions(request)
        self.check_throttles(request)

    def perform_content_negotiation(
        self,
        request: Request,
        force: bool = False,  # noqa: FBT001, FBT002  (DRF's signature)
    ) -> tuple[BaseRenderer, str]:
        accepted = request.headers.get("Accept") or "*/*"
        if not force and not any(kind in accepted for kind in (*_ACCEPTED, *self.also_accepted)):
            raise NotAcceptable
        return _JSON, str(_JSON.media_type)

    def perform_authentication(self, request: Request) -> None:
        """Find out who asks. Tokens that are refused count against the address, so that guessing is slow."""
        try:
            self.caller = request.user
        except AuthenticationFailed:
            self._count("anonymous", self._address(request))
            raise

    def check_permissions(self, request: Request) -> None:
        if not (self.public or may(self.caller, self.required_permissions, str(request.method))):
            self.permission_denied(request)

    def check_throttles(self, request: Request) -> None:
        if self.caller.is_authenticated:
            self._count("client", str(self.caller.pk))
        else:
            self._count("anonymous", self._address(request))

    def finalize_response(  # type: ignore[override]  # replayed answers are plain responses
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        response.headers.setdefault("Cache-Control", "no-store")
        return super().finalize_response(request, response, *args, **kwargs)  # type: ignore[arg-type]

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {}

    def _admitted(self) -> HttpResponseBase:
        self.initial(self.request, *self.args, **self.kwargs)
        call = idempotency.call_of(self.request)
        if call is None:
            return self._answer()
        return idempotency.answer_once(call, partial(self._rendered), now=self.now)

    def _answer(self) -> Response:
        method = self._method(self.request)
        assert method is not None  # noqa: S101  (initial refused it)
        return method(self.request, *self.args, **self.kwargs)

    def _rendered(self) -> Any:
        return self._finished(self._answer).render()  # type: ignore[attr-defined]

    def _finished(self, answer: Callable[[], HttpResponseBase]) -> HttpResponseBase:
        try:
            response = answer()
        except Exception as error:  # noqa: BLE001  (the one handler answers whatever there is)
            response = self.handle_exception(error)
        return self.finalize_response(self.request, response, *self.args, **self.kwargs)

    def _method(self, request: Request) -> Callable[..., Response] | None:
        return getattr(self, str(request.method).lower(), None)

    def _address(self, request: Request) -> str:
        """Return whom to count when nobody is known; hashed, for a forwarded address may be anything."""
        return sha256(str(BaseThrottle().get_ident(request)).encode()).hexdigest()[:32]

    def _count(self, scope: str, client: str) -> None:
        if wait := throttling.seconds_to_wait(scope, client, at=time()):
            raise Throttled(wait)


@cache
def _reader(shape: type[Serializer[Any]], *, from_query: bool) -> Serializer[Any]:
    """Build a shape once: DRF copies every field for each instance, and validation keeps no state in it."""
    return shape(context={FROM_QUERY: from_query})
