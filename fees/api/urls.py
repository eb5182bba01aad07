from fees.api.views import FeeViewSet
from sunusav.api.routers import api_router

router = api_router()
router.register("fees", FeeViewSet, basename="fees")

urlpatterns = router.urls
