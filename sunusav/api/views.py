"""The base view of every endpoint."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from hashlib import sha256
from time import time
from typing import Any, ClassVar

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.functional import cached_property
from rest_framework.exceptions import (
    AuthenticationFailed,
    ErrorDetail,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
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
from sunusav.api.answers import page_serializer, write
from sunusav.api.endpoints import ONE_TIME_CODE, Endpoint
from sunusav.api.errors import PersonRequired
from sunusav.api.pagination import PAGE_PARAMETERS, Fetch, Row, page_by
from sunusav.api.parsers import StrictJSONParser
from sunusav.api.permissions import PUBLIC, is_allowed
from sunusav.api.problems import LengthRequired
from sunusav.api.renderers import ExactJSONRenderer
from sunusav.api.serializers import FROM_QUERY, NothingBody
from sunusav.core import clock
from sunusav.core.actors import Actor
from sunusav.core.keyset import Position
from sunusav.core.models import User
from sunusav.core.second_factor import limits_of_codes, require_second_factor

# The API answers in one language; the admin answers in the reader's.
LANGUAGE = "en"
_JSON = ExactJSONRenderer()
_ACCEPTED = ("*/*", "application/*", "application/json", "application/problem+json")


class ApiView(APIView):
    """Deny by default; read strict JSON; answer JSON or a problem document; never be cached.

    Each method has an `Endpoint`. A method without one is allowed to nobody, unless the view is `public`. Methods
    hold no `try`: refusals are exceptions, which `sunusav.api.problems` translates.
    """

    # True for a view without an `Endpoint` that answers without a token.
    public: ClassVar[bool] = False

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    caller: User | AnonymousUser
    _method: str
    parser_classes = [StrictJSONParser]
    renderer_classes = [ExactJSONRenderer]

    def body(self) -> dict[str, Any]:
        """Read the body as the endpoint declares it. Raises: ValidationError, naming each field that is wrong."""
        reader = _reader(self.endpoint.body or NothingBody, from_query=False)
        return dict(reader.run_validation(self.request.data))

    def query(self) -> dict[str, Any]:
        """Read the query string as the endpoint declares it, without paging. Raises: ValidationError."""
        given = {n: v for n, v in self.request.query_params.lists() if n not in PAGE_PARAMETERS}
        if repeated := [name for name, values in given.items() if len(values) > 1]:
            raise ValidationError({name: [ErrorDetail("Given twice.", code="repeated")] for name in repeated})
        reader = _reader(self.endpoint.query or NothingBody, from_query=True)
        return dict(reader.run_validation({n: v[0] for n, v in given.items()}))

    def answer(self, facts: Any, *, status: int | None = None, **more: Any) -> Response:
        """Answer with facts, written as the endpoint declares it. `more` are values that the facts do not have."""
        declared = self.endpoint
        assert declared.answer is not None, "the endpoint declares no answer"  # noqa: S101
        assert status is None or status in declared.statuses  # noqa: S101
        return Response(write(declared.answer, facts, **more), status=status or declared.statuses[0])

    def page(self, fetch: Fetch[Row], *, key: Callable[[Row], Position]) -> Response:
        """Answer with the requested page of a list. Raises: ValidationError."""
        declared = self.endpoint
        assert declared.answer is not None, "the endpoint declares no answer"  # noqa: S101
        assert declared.paged, "the endpoint declares no pages"  # noqa: S101
        return Response(write(page_serializer(declared.answer), page_by(self.request, fetch, key=key)))

    @property
    def endpoint(self) -> Endpoint:
        """Return what the called method declares."""
        assert self._declared is not None, "the method has no Endpoint"  # noqa: S101
        return self._declared

    @cached_property
    def _declared(self) -> Endpoint | None:
        return getattr(self._handler, "endpoint", None)

    @cached_property
    def _handler(self) -> Callable[..., Response] | None:
        return getattr(self, self._method.lower(), None)

    def endpoint_of(self, method: str) -> Endpoint | None:
        """Return what the view's method, or the viewset's action, for an HTTP method declares."""
        actions = getattr(self, "action_map", None)
        name = method.lower() if actions is None else actions.get(method.lower(), "")
        return getattr(getattr(self, name, None), "endpoint", None)

    @property
    def user(self) -> User:
        """Return the authenticated caller, whom every endpoint has unless it is public."""
        assert isinstance(self.caller, User), "a public endpoint has no user"  # noqa: S101
        return self.caller

    @cached_property
    def actor(self) -> Actor:
        """Return the caller as the audit trail records it."""
        return Actor.of(self.user)

    @cached_property
    def now(self) -> datetime:
        """Return the moment of this request."""
        return clock.now()

    def require_second_factor(self) -> None:
        """Require a fresh one-time code of the caller in `X-OTP`.

        Raises: PersonRequired, SecondFactorNotEnrolled, SecondFactorRefused, TooManyWrongCodes.
        """
        if self.user.is_service:
            raise PersonRequired
        code = self.request.headers.get(ONE_TIME_CODE, "")
        limits = limits_of_codes(f"with the token {self.request.auth.pk}")
        require_second_factor(self.user, code, limits=limits, now=self.now)

    def require_second_factor_of_people(self) -> None:
        """Require a fresh one-time code of people, whom the back office asks for one too; programs have none.

        Raises: SecondFactorNotEnrolled, SecondFactorRefused, TooManyWrongCodes.
        """
        if not self.user.is_service:
            self.require_second_factor()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.args, self.kwargs, self.headers, self._method = args, kwargs, {}, str(request.method)
        self.request = self.initialize_request(request, *args, **kwargs)
        if translation.get_language() != LANGUAGE:
            translation.activate(LANGUAGE)
        return self._respond(self._check_and_execute)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check in this order: method, content type, length, caller, permission, rate."""
        if self._handler is None or self._method.lower() not in self.http_method_names:
            self.headers["Allow"] = ", ".join(self.allowed_methods)
            raise MethodNotAllowed(self._method)
        renderer, media_type = self.perform_content_negotiation(request)
        request.accepted_renderer, request.accepted_media_type = renderer, media_type
        if "Transfer-Encoding" in request.headers and not request.headers.get("Content-Length"):
            raise LengthRequired
        self.perform_authentication(request)
        self.check_permissions(request)
        self.check_throttles(request)
        if any(isinstance(value, str) and value != value.strip() for value in kwargs.values()):
            raise NotFound  # no identifier has outer blanks, and MySQL would ignore trailing ones

    def perform_content_negotiation(
        self,
        request: Request,
        force: bool = False,  # noqa: FBT001, FBT002  (DRF's signature)
    ) -> tuple[BaseRenderer, str]:
        accepted = request.headers.get("Accept") or "*/*"
        if not force and not any(kind in accepted for kind in self._accepted_types()):
            raise NotAcceptable
        return _JSON, str(_JSON.media_type)

    def perform_authentication(self, request: Request) -> None:
        """Identify the caller. A refused token counts against the address, so that guessing is slow."""
        try:
            self.caller = request.user
        except AuthenticationFailed:
            self._count("anonymous", self._address(request))
            raise

    def check_permissions(self, request: Request) -> None:
        declared = self._declared
        required = PUBLIC if self.public else declared.permission if declared else None
        if not is_allowed(self.caller, required):
            self.permission_denied(request)

    def check_throttles(self, request: Request) -> None:
        if self.caller.is_authenticated:
            self._count("client", str(self.caller.pk))
        else:
            self._count("anonymous", self._address(request))

    def finalize_response(  # type: ignore[override]  # replayed answers are Django responses
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        response.headers.setdefault("Cache-Control", "no-store")
        return super().finalize_response(request, response, *args, **kwargs)  # type: ignore[arg-type]

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {}

    def _accepted_types(self) -> tuple[str, ...]:
        declared = self._declared
        if declared is None or not declared.media_type:
            return _ACCEPTED
        family = declared.media_type.partition("/")[0]
        return (*_ACCEPTED, declared.media_type, f"{family}/*")

    def _check_and_execute(self) -> HttpResponseBase:
        self.initial(self.request, *self.args, **self.kwargs)
        call = idempotency.call_of(self.request)
        if call is None:
            return self._execute()
        return idempotency.answer_once(call, self._execute_and_render, now=self.now)

    def _execute(self) -> Response:
        assert self._handler is not None  # noqa: S101  (initial refused it)
        return self._handler(self.request, *self.args, **self.kwargs)

    def _execute_and_render(self) -> Any:
        return self._respond(self._execute).render()  # type: ignore[attr-defined]

    def _respond(self, execute: Callable[[], HttpResponseBase]) -> HttpResponseBase:
        try:
            response = execute()
        except Exception as error:  # noqa: BLE001  (the handler answers every exception)
            response = self.handle_exception(error)
        return self.finalize_response(self.request, response, *self.args, **self.kwargs)

    def _address(self, request: Request) -> str:
        """Return the client's address, hashed: a forwarded address can be any text."""
        return sha256(str(BaseThrottle().get_ident(request)).encode()).hexdigest()[:32]

    def _count(self, scope: str, client: str) -> None:
        if wait := throttling.seconds_to_wait(scope, client, at=time()):
            raise Throttled(wait)


@cache
def _reader(serializer: type[Serializer[Any]], *, from_query: bool) -> Serializer[Any]:
    """Build a serializer once: DRF copies every field for each instance, and validation keeps no state in it."""
    return serializer(context={FROM_QUERY: from_query})
