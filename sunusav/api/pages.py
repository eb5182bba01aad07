"""Health, metrics, the OpenAPI document, the catalogue of problems, and who answers when no view does."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views import defaults
from django.views.decorators.http import require_safe
from rest_framework.request import Request
from rest_framework.response import Response

from sunusav import __version__
from sunusav.api.documentation import documented, openapi_document
from sunusav.api.exposition import CONTENT_TYPE as METRICS_TYPE
from sunusav.api.exposition import exposition
from sunusav.api.health import components, worst
from sunusav.api.page_middleware import API_PREFIX
from sunusav.api.problem_pages import problem_pages
from sunusav.api.problems import CONTENT_TYPE as PROBLEM_TYPE
from sunusav.api.problems import PROTOCOL_CODES, Problem
from sunusav.api.prose import html_of
from sunusav.api.renderers import ExactJSONRenderer
from sunusav.api.shapes import ComponentsShape, HealthShape
from sunusav.api.views import ApiView

SERVICE = "sunusav-monetization"


class Health(ApiView):
    """Tell a load balancer that this process answers."""

    public = True

    @documented("Tell whether the service answers", answer=HealthShape)
    def get(self, request: Request) -> Response:
        return Response({"status": "ok", "service": SERVICE, "version": __version__})

    def check_throttles(self, request: Request) -> None:
        """Count nothing: whoever watches us must always get an answer."""


class ComponentsHealth(ApiView):
    """Tell how each component is."""

    required_permissions = {"GET": "api.view_health"}

    @documented("Tell how each component is", answer=ComponentsShape)
    def get(self, request: Request) -> Response:
        told = components(now=self.now)
        status = worst(*(component["status"] for component in told.values()))
        return Response({"status": status, "service": SERVICE, "version": __version__, "components": told})


class Metrics(ApiView):
    """What Prometheus scrapes."""

    required_permissions = {"GET": "api.view_metrics"}

    @documented("Metrics in Prometheus's text format")
    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(exposition(now=self.now), content_type=METRICS_TYPE)


class OpenApi(ApiView):
    """The OpenAPI document."""

    public = True
    schema = None

    def get(self, request: Request) -> Response:
        return Response(openapi_document())


@require_safe
def problem_index(request: HttpRequest) -> HttpResponse:
    """List every problem this API can answer with."""
    return render(request, "public/problems/index.html", {"pages": problem_pages().values()})


@require_safe
def problem_page(request: HttpRequest, code: str) -> HttpResponseBase:
    """Explain one problem."""
    page = problem_pages().get(code)
    if page is None:
        return not_found(request)
    return render(request, "public/problems/page.html", {"page": page, "prose": html_of(page.prose)})


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    return _last_word(request, 400) or defaults.bad_request(request, cast(Any, exception))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    return _last_word(request, 403) or defaults.permission_denied(request, cast(Any, exception))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    return _last_word(request, 404) or defaults.page_not_found(
        request, exception or Exception("no such page")
    )


def server_error(request: HttpRequest) -> HttpResponseBase:
    return _last_word(request, 500) or defaults.server_error(request)


def _last_word(request: HttpRequest, status: int) -> HttpResponse | None:
    """Answer what no view answered: a problem document, unless a person in a browser is looking."""
    if not request.path.startswith(API_PREFIX) and "text/html" in request.headers.get("Accept", ""):
        return None
    document = ExactJSONRenderer().render(Problem(PROTOCOL_CODES[status], status).document())
    return HttpResponse(
        document, status=status, content_type=PROBLEM_TYPE, headers={"Cache-Control": "no-store"}
    )
