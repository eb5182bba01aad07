"""Health, metrics, the OpenAPI document, the pages about problems, and the answer when no view matches."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views import defaults
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from sunusav.api.answers import AnswerSerializer
from sunusav.api.documentation import openapi_document
from sunusav.api.endpoints import Endpoint
from sunusav.api.health import STATUSES, components, worst
from sunusav.api.markdown import render_markdown
from sunusav.api.page_middleware import API_PREFIX
from sunusav.api.permissions import PUBLIC
from sunusav.api.problem_pages import problem_pages
from sunusav.api.problems import CONTENT_TYPE as PROBLEM_TYPE
from sunusav.api.problems import PROTOCOL_CODES, Problem
from sunusav.api.prometheus import CONTENT_TYPE as METRICS_TYPE
from sunusav.api.prometheus import metrics_text
from sunusav.api.renderers import ExactJSONRenderer
from sunusav.api.serializers import ChoiceOf
from sunusav.api.version import VERSION
from sunusav.api.views import ApiView

SERVICE = {"service": "sunusav-monetization", "version": VERSION}


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "properties": {"status": {"type": "string", "enum": STATUSES}},
            "required": ["status"],
            "additionalProperties": {},
        },
    }
)
class ComponentsField(serializers.Field[dict[str, Any], Any, dict[str, Any], Any]):
    """The status of each component by its name, with facts that depend on the component."""

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        return value


class HealthAnswer(AnswerSerializer):
    """The service as a load balancer sees it."""

    status = ChoiceOf(STATUSES)
    service = serializers.CharField()
    version = serializers.CharField()


class ComponentsAnswer(HealthAnswer):
    """The service with each of its components."""

    components = ComponentsField()


class Health(ApiView):
    """Health for a load balancer."""

    @Endpoint(
        "Return whether the service answers",
        operation_id="health_get",
        permission=PUBLIC,
        answer=HealthAnswer,
    )
    def get(self, request: Request) -> Response:
        return self.answer({**SERVICE, "status": "ok"})

    def check_throttles(self, request: Request) -> None:
        """Count nothing: a monitor must always get an answer."""


class ComponentsHealth(ApiView):
    """Health of each component."""

    @Endpoint(
        "Return the health of each component",
        operation_id="components_health_get",
        permission="api.view_health",
        answer=ComponentsAnswer,
    )
    def get(self, request: Request) -> Response:
        found = components(now=self.now)
        status = worst(*(component["status"] for component in found.values()))
        return self.answer({**SERVICE, "status": status, "components": found})


class Metrics(ApiView):
    """Metrics for Prometheus."""

    @Endpoint(
        "Metrics in Prometheus's text format",
        operation_id="metrics_get",
        permission="api.view_metrics",
        media_type="text/plain",
    )
    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(metrics_text(now=self.now), content_type=METRICS_TYPE)


class OpenApi(ApiView):
    """The OpenAPI document."""

    public = True
    schema = None

    def get(self, request: Request) -> Response:
        return Response(openapi_document())


@require_safe
def problem_index(request: HttpRequest) -> HttpResponse:
    """List every problem that this API can answer with."""
    return render(request, "public/problems/index.html", {"pages": problem_pages().values()})


@require_safe
def problem_page(request: HttpRequest, code: str) -> HttpResponseBase:
    """Explain one problem."""
    page = problem_pages().get(code)
    if page is None:
        return not_found(request)
    return render(request, "public/problems/page.html", {"page": page, "prose": render_markdown(page.prose)})


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    return _problem_response(request, 400) or defaults.bad_request(request, cast(Any, exception))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    return _problem_response(request, 403) or defaults.permission_denied(request, cast(Any, exception))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    return _problem_response(request, 404) or defaults.page_not_found(
        request, exception or Exception("no such page")
    )


def server_error(request: HttpRequest) -> HttpResponseBase:
    return _problem_response(request, 500) or defaults.server_error(request)


def _problem_response(request: HttpRequest, status: int) -> HttpResponse | None:
    """Return a problem document when no view answered, or None for a browser that requested a page."""
    if not request.path.startswith(API_PREFIX) and "text/html" in request.headers.get("Accept", ""):
        return None
    document = ExactJSONRenderer().render(Problem(PROTOCOL_CODES[status], status).document())
    return HttpResponse(
        document, status=status, content_type=PROBLEM_TYPE, headers={"Cache-Control": "no-store"}
    )
