from sunusav.api.routers import api_router
from transfers.api.views import ReceiptViewSet

router = api_router()
router.register("receipts", ReceiptViewSet, basename="receipts")

urlpatterns = router.urls
