"""API tokens: who holds them, when they expire, and revoking them."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from knox.models import AuthToken

from sunusav.backoffice.actions import Action, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin, person_of
from sunusav.backoffice.packages import unregister_models
from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.errors import Missing

unregister_models(AuthToken)


class TokenMissing(Missing):
    """The token has been revoked or has expired."""

    token_start: str


def revoke_token(decision: Decision) -> None:
    """Revoke a token; the API refuses it within a second. Raises: TokenMissing."""
    token, actor = decision.row, Actor.of(decision.user)
    with transaction.atomic():
        deleted, _rows = AuthToken.objects.filter(pk=token.pk).delete()
        if not deleted:
            raise TokenMissing(token_start=token.token_key)
        trail.record(
            subject=f"user:{token.user.get_username()}", action="revoke_token", actor=actor, at=decision.now,
            facts={"token_start": token.token_key},
        )  # fmt: skip


REVOKE = Action(
    slug="revoke",
    label=_("Revoke"),
    question=_("The API refuses this token from now on; its user needs a new one."),
    done=pgettext_lazy("token", "revoked"),
    run=revoke_token,
    permission="knox.delete_authtoken",
    tone="bad",
)


@admin.register(AuthToken)
class TokenAdmin(ReadOnlyAdmin):
    """The primary key of a token is its digest: it appears neither in columns nor in URLs."""

    list_display = ("holder", "token_key", "created", "expiry", "revoke")
    list_display_links = None
    is_exported = False  # an export remembers the keys where it stands, which here are digests of secrets
    list_select_related = ("user",)
    search_fields = ("user__username", "token_key")
    search_help_text = _("The exact login, or the first characters of the token.")
    ordering = ("-created",)
    card_fields = ("holder", "token_key", "created", "expiry")
    actions_offered = (REVOKE,)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        offered = REVOKE.is_permitted(person_of(request), None)
        return [name for name in super().get_list_display(request) if name != "revoke" or offered]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("knox.view_authtoken")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return nothing: a token has no page, because its URL would contain the digest."""
        return None

    def name_of(self, row: Any) -> str:
        return f"{row.token_key}… ({row.user.get_username()})"

    def key_of(self, row: Any) -> str:
        return f"{row.user_id}-{row.token_key}"

    def rows_for(self, request: HttpRequest, keys: Sequence[str]) -> list[Any]:
        starts = [key.partition("-")[2] for key in keys]
        found = self.get_queryset(request).select_related("user").filter(token_key__in=starts)
        return [row for row in found if self.key_of(row) in keys]

    def url_after_action(self, rows: Sequence[Any]) -> str:
        return self.list_url()

    @admin.display(description=_("holder"), ordering="user__username")
    def holder(self, token: Any) -> str:
        return str(token.user.get_username())

    @admin.display(description="")
    def revoke(self, token: Any) -> Any:
        return format_html('<a href="{}">{}</a>', self.action_url(REVOKE, [token]), REVOKE.label)
