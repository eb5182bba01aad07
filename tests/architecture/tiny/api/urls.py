from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from sunusav.api.answers import AnswerSerializer
from sunusav.api.endpoints import Endpoint
from sunusav.api.viewsets import ApiViewSet
from tests.architecture.tiny.services import plant_tree


class TreeAnswer(AnswerSerializer):
    tree_id = serializers.CharField()


class TreeViewSet(ApiViewSet):
    @Endpoint(
        "Plant a tree",
        operation_id="tree_post",
        permission="core.view_outboxmessage",
        answer=TreeAnswer,
        statuses=(201,),
    )
    def plant(self, request: Request, tree_id: str) -> Response:
        plant_tree(tree_id=tree_id, actor=self.actor, now=self.now)
        return self.answer({"tree_id": tree_id})


urlpatterns = [path("trees/<str:tree_id>", TreeViewSet.as_view({"post": "plant"}), name="trees")]
