from django.urls import path

from partners.api.balance import PartnerBalance
from partners.api.webhooks import Webhook, WebhookAtSecretPath
from partners.settlements.api.views import Settle, SettlementViewSet
from sunusav.api.routers import api_router

router = api_router()
router.register("partners/settlements", SettlementViewSet, basename="settlements")

urlpatterns = [
    path("partners/settle", Settle.as_view(), name="partners-settle"),
    *router.urls,
    path("partners/<str:partner>/balance", PartnerBalance.as_view(), name="partner-balance"),
    path("partners/<str:partner>/webhooks", Webhook.as_view(), name="partner-webhook"),
    path(
        "partners/<str:partner>/webhooks/<str:path_token>",
        WebhookAtSecretPath.as_view(),
        name="partner-webhook-at-secret-path",
    ),
]
