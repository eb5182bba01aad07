from typing import Any

from rest_framework.viewsets import GenericViewSet

from sunusav.api.views import ApiView


class ApiViewSet(ApiView, GenericViewSet[Any]):
    """The endpoints of one resource: an `ApiView` with DRF's actions and routers.

    It has no `queryset` and no `serializer_class`: actions read frozen rows from `queries`, and each declares its
    serializers by `Endpoint`.
    """
