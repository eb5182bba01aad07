"""A minimal Django quote: one view that reads JSON, multiplies and answers JSON, without middleware or users."""

import json

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, MIDDLEWARE=[], SECRET_KEY="bare", USE_TZ=True
)


def calculate(request: HttpRequest) -> JsonResponse:
    asked = json.loads(request.body)
    payout_sats = int(asked["payout_sats"])
    fee_sats = payout_sats * (75 if asked["group_verified"] else 100) // 10_000
    platform_sats, community_sats = fee_sats * 5 // 10, fee_sats * 3 // 10
    response = JsonResponse(
        {
            "sats_fee": fee_sats,
            "platform_share": platform_sats,
            "community_share": community_sats,
            "partner_reserved": fee_sats - platform_sats - community_sats,
            "net_payout": payout_sats - fee_sats,
            "fee_percentage": "0.0075",
        }
    )
    response.headers["Content-Length"] = str(len(response.content))
    return response


urlpatterns = [path("monetization/fees/calculate", calculate)]
application = get_wsgi_application()
