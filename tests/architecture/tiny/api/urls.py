from typing import Any

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from sunusav.api.views import ApiView
from tests.architecture.tiny.services import plant_tree


class Trees(ApiView):
    required_permissions = {"POST": "core.view_outboxmessage"}

    def post(self, request: Request, tree_id: str) -> Response:
        plant_tree(tree_id=tree_id, actor=self.actor, now=self.now)
        answer: dict[str, Any] = {"tree_id": tree_id}
        return Response(answer, status=201)


urlpatterns = [path("trees/<str:tree_id>", Trees.as_view(), name="trees")]
