"""Endpoints that exist only in the tests of `ApiView`; `urls` is used as ROOT_URLCONF."""

from typing import Any

from django.contrib import admin
from django.db import OperationalError
from django.urls import include, path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from sunusav.api import serializers as fields
from sunusav.api.pagination import paged
from sunusav.api.permissions import AnyOf
from sunusav.api.views import ApiView
from sunusav.core.errors import Conflict, Forbidden, Invalid, Missing, Unavailable
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


class Echo(ApiView):
    required_permissions = {
        "GET": "core.view_switch",
        "POST": "core.pause_outgoing",
        "DELETE": AnyOf(("core.pause_outgoing", "core.view_user")),
        "PUT": ("core.pause_outgoing", "core.view_user"),
    }

    def get(self, request: Request) -> Response:
        return Response(_told(self.query(Body)))

    def post(self, request: Request) -> Response:
        return Response({**_told(self.body(Body)), "actor": self.actor.label}, status=201)

    def put(self, request: Request) -> Response:
        return Response({})

    def delete(self, request: Request) -> Response:
        return Response(status=204)


class Public(ApiView):
    public = True

    def get(self, request: Request) -> Response:
        return Response({"known": request.user.is_authenticated})

    def post(self, request: Request) -> Response:
        return Response(_told(self.body(Body)))


class Forgotten(ApiView):
    def get(self, request: Request) -> Response:
        return Response({})


class Raising(ApiView):
    required_permissions = {"POST": "core.pause_outgoing"}

    def post(self, request: Request, what: str) -> Response:
        raise RAISED[what]


class Counting(ApiView):
    """Do something that can be counted: one switch row more."""

    required_permissions = {"POST": "core.pause_outgoing"}

    def post(self, request: Request) -> Response:
        body = self.body(Body)
        Switch.objects.create(name=f"s{Switch.objects.count()}-{body.get('name', '')}")
        return Response({"switches": Switch.objects.count()}, status=201, headers={"Location": "/made"})


class Approving(ApiView):
    required_permissions = {"POST": "core.pause_outgoing"}

    def post(self, request: Request) -> Response:
        self.require_second_factor()
        return Response({})


class Users(ApiView):
    public = True

    def get(self, request: Request) -> Response:
        rows = User.objects.all()
        page = paged(request, rows, ordering=("-last_name",), serialize=lambda user: {"id": user.pk})
        return Response(page)


def _told(read: dict[str, Any]) -> dict[str, Any]:
    return {
        name: fields.utc_text(value) if name == "at" else str(value) if name == "share" else value
        for name, value in read.items()
    }


urlpatterns = [
    path("monetization/echo", Echo.as_view()),
    path("monetization/public", Public.as_view()),
    path("monetization/forgotten", Forgotten.as_view()),
    path("monetization/raising/<str:what>", Raising.as_view()),
    path("monetization/counting", Counting.as_view()),
    path("monetization/approving", Approving.as_view()),
    path("monetization/users", Users.as_view()),
    path("", include("sunusav.api.urls")),
    path("admin/", admin.site.urls),
]

handler404 = "sunusav.api.pages.not_found"
handler500 = "sunusav.api.pages.server_error"
handler400 = "sunusav.api.pages.bad_request"
