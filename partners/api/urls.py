from django.urls import path

from partners.api.balance import PartnerBalance
from partners.api.webhooks import Webhook, WebhookAtSecretPath

urlpatterns = [
    path("partners/<str:partner>/balance", PartnerBalance.as_view(), name="partner-balance"),
    path("partners/<str:partner>/webhooks", Webhook.as_view(), name="partner-webhook"),
    path(
        "partners/<str:partner>/webhooks/<str:path_token>",
        WebhookAtSecretPath.as_view(),
        name="partner-webhook-at-secret-path",
    ),
]
