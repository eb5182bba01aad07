from collections.abc import Callable
from typing import Any

from csp.constants import NONCE, SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.http.response import HttpResponseBase
from django.urls import path
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerView

from sunusav.api import pages
from sunusav.api.outgoing import OutgoingViewSet
from sunusav.api.routers import api_router

DOCUMENTATION_POLICY: dict[str, Any] = {
    "script-src": [SELF, NONCE],
    "style-src": [SELF, UNSAFE_INLINE],
    "connect-src": [SELF],
    "worker-src": ["blob:"],
}


def documentation(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let a page of the API's documentation run its scripts, which insert styles and read the OpenAPI document."""
    return require_safe(csp_replace(DOCUMENTATION_POLICY)(view))


router = api_router()
router.register("monetization/outgoing", OutgoingViewSet, basename="outgoing")

urlpatterns = [
    path("health", pages.Health.as_view(), name="health"),
    path("metrics", pages.Metrics.as_view(), name="metrics"),
    path("openapi.json", pages.OpenApi.as_view(), name="openapi"),
    path("docs", documentation(SpectacularSwaggerView.as_view(url_name="openapi")), name="docs"),
    path("redoc", documentation(SpectacularRedocView.as_view(url_name="openapi")), name="redoc"),
    path("problems", pages.problem_index, name="problems"),
    path("problems/<str:code>", pages.problem_page, name="problem"),
    path("monetization/health", pages.ComponentsHealth.as_view(), name="components-health"),
    *router.urls,
]
