from ledger.api.views import ConversionViewSet, RateViewSet
from sunusav.api.routers import api_router

router = api_router()
router.register("rates", RateViewSet, basename="rates")
router.register("convert", ConversionViewSet, basename="convert")

urlpatterns = router.urls
