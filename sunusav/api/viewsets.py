from typing import Any

from rest_framework.viewsets import GenericViewSet

from sunusav.api.views import ApiView


class ApiViewSet(ApiView, GenericViewSet[Any]):
    """The endpoints of one resource: `ApiView`'s rules, DRF's actions and routers.

    Actions read frozen rows from `queries`, so there is no `queryset`; each declares its serializers by `Endpoint`.
    """
