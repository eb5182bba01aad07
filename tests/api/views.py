"""Endpoints that exist only in the tests of `ApiView`; `urls` is used as ROOT_URLCONF."""

from typing import Any

from django.contrib import admin
from django.db import OperationalError
from django.db.models import Q
from django.urls import include, path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from sunusav.api import serializers as fields
from sunusav.api.answers import AnswerSerializer
from sunusav.api.endpoints import Endpoint
from sunusav.api.permissions import PUBLIC, AnyOf, Permission
from sunusav.api.views import ApiView
from sunusav.core.errors import Conflict, Forbidden, Invalid, Missing, Unavailable
from sunusav.core.keyset import Position
from sunusav.core.models import Switch, User


class Kettle(Conflict):
    cups: int


class TeaMissing(Missing):
    pass


class TeaInvalid(Invalid):
    pass


class TeaForbidden(Forbidden):
    pass


class TeaUnavailable(Unavailable):
    retry_after_seconds = 7


RAISED: dict[str, Exception] = {
    "conflict": Kettle(cups=3),
    "missing": TeaMissing(),
    "invalid": TeaInvalid(),
    "forbidden": TeaForbidden(),
    "unavailable": TeaUnavailable(),
    "database": OperationalError(2006, "Server has gone away at secret-host"),
    "deadlock": OperationalError(1213, "Deadlock found"),
    "bug": ZeroDivisionError("secret detail"),
}


class Body(fields.StrictSerializer):
    amount = fields.SatsField(required=False)
    flag = fields.StrictBooleanField(required=False)
    name = fields.IdentifierField(required=False)
    share = fields.FractionField(required=False)
    at = fields.UtcDateTimeField(required=False)
    price = fields.XofField(required=False)
    reason = fields.ReasonField(required=False)
    inner = serializers.ListField(child=fields.SatsField(), required=False)


class UserAnswer(AnswerSerializer):
    id = serializers.IntegerField()


def declared(permission: Permission, **more: Any) -> Endpoint:
    return Endpoint("Only in tests", operation_id="test", permission=permission, **more)


PAUSE = "core.pause_outgoing"


class Echo(ApiView):
    @declared("core.view_switch", query=Body)
    def get(self, request: Request) -> Response:
        return Response(_as_json(self.query()))

    @declared(PAUSE, body=Body)
    def post(self, request: Request) -> Response:
        return Response({**_as_json(self.body()), "actor": self.actor.label}, status=201)

    @declared((PAUSE, "payouts.view_member"))
    def put(self, request: Request) -> Response:
        return Response({})

    @declared(AnyOf((PAUSE, "core.view_user")))
    def delete(self, request: Request) -> Response:
        return Response(status=204)


class Public(ApiView):
    @declared(PUBLIC)
    def get(self, request: Request) -> Response:
        return Response({"known": request.user.is_authenticated})

    @declared(PUBLIC, body=Body)
    def post(self, request: Request) -> Response:
        return Response(_as_json(self.body()))


class Undeclared(ApiView):
    def get(self, request: Request) -> Response:
        return Response({})


class Raising(ApiView):
    @declared(PAUSE)
    def post(self, request: Request, name: str) -> Response:
        raise RAISED[name]


class Counting(ApiView):
    """Each call leaves one switch row more."""

    @declared(PAUSE, body=Body)
    def post(self, request: Request) -> Response:
        body = self.body()
        Switch.objects.create(name=f"s{Switch.objects.count()}-{body.get('name', '')}")
        return Response({"switches": Switch.objects.count()}, status=201, headers={"Location": "/made"})


class Approving(ApiView):
    @declared(PAUSE)
    def post(self, request: Request) -> Response:
        self.require_second_factor()
        return Response({})


class Users(ApiView):
    @declared(PUBLIC, answer=UserAnswer, paged=True)
    def get(self, request: Request) -> Response:
        return self.page(_users_page, key=lambda user: (user.last_name, user.pk))


def _users_page(after: Position | None, limit: int) -> list[User]:
    """Return users by name and number, both descending."""
    rows = User.objects.order_by("-last_name", "-pk")
    if after is not None:
        name, pk = after
        rows = rows.filter(Q(last_name__lt=name) | Q(last_name=name, pk__lt=pk))
    return list(rows[:limit])


def _as_json(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: fields.utc_text(value) if name == "at" else str(value) if name == "share" else value
        for name, value in values.items()
    }


urlpatterns = [
    path("monetization/echo", Echo.as_view()),
    path("monetization/public", Public.as_view()),
    path("monetization/undeclared", Undeclared.as_view()),
    path("monetization/raising/<str:name>", Raising.as_view()),
    path("monetization/counting", Counting.as_view()),
    path("monetization/approving", Approving.as_view()),
    path("monetization/users", Users.as_view()),
    path("", include("sunusav.api.urls")),
    path("admin/", admin.site.urls),
]

handler404 = "sunusav.api.pages.not_found"
handler500 = "sunusav.api.pages.server_error"
handler400 = "sunusav.api.pages.bad_request"
