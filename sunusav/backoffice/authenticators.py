"""A secret on its way to an authenticator, and the page that shows recovery codes, once."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.admin.sites import AdminSite
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from sunusav.core.models import User
from sunusav.core.qr import qr_svg
from sunusav.core.second_factor import make_key, secret_text, secret_url

ENROLMENT = "enrolment"


@dataclass(frozen=True)
class Enrolment:
    """A new secret. It is kept in the session until a first code confirms it, so that no two browsers share one.

    Each time the page is opened there is another one: somebody who opened it in an unlocked browser and kept the
    secret would otherwise share the authenticator that its owner sets up later.
    """

    user: User
    key: str

    @classmethod
    def of_request(cls, request: HttpRequest, user: User) -> "Enrolment":
        kept = request.session.get(ENROLMENT)
        if request.method != "POST" or not kept or kept["user"] != user.pk:
            kept = request.session[ENROLMENT] = {"user": user.pk, "key": make_key()}
        return cls(user, kept["key"])

    @staticmethod
    def end(session: SessionBase) -> None:
        session.pop(ENROLMENT, None)

    @property
    def text(self) -> str:
        return secret_text(self.key)

    @property
    def qr_code(self) -> SafeString:
        return mark_safe(qr_svg(secret_url(self.user, self.key)))  # noqa: S308  (made here: paths of a code)


def recovery_codes_page(
    site: AdminSite, request: HttpRequest, codes: Sequence[str], *, url: str
) -> TemplateResponse:
    """Show recovery codes, which are stored nowhere as they are, with a link to go on."""
    context = {
        **site.each_context(request), "title": _("Your recovery codes"), "codes": codes, "next_url": url,
    }  # fmt: skip
    return TemplateResponse(request, "admin/recovery_codes.html", context)
