from django.urls import path
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerView

from sunusav.api import pages
from sunusav.api.outgoing import OutgoingViewSet
from sunusav.api.routers import api_router

router = api_router()
router.register("monetization/outgoing", OutgoingViewSet, basename="outgoing")

urlpatterns = [
    path("health", pages.Health.as_view(), name="health"),
    path("metrics", pages.Metrics.as_view(), name="metrics"),
    path("openapi.json", pages.OpenApi.as_view(), name="openapi"),
    path("docs", require_safe(SpectacularSwaggerView.as_view(url_name="openapi")), name="docs"),
    path("redoc", require_safe(SpectacularRedocView.as_view(url_name="openapi")), name="redoc"),
    path("problems", pages.problem_index, name="problems"),
    path("problems/<str:code>", pages.problem_page, name="problem"),
    path("monetization/health", pages.ComponentsHealth.as_view(), name="components-health"),
    *router.urls,
]
