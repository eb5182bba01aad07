"""The page of the search: what was found, by kind, or straight to the only hit."""

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from sunusav.backoffice.admins import person_of
from sunusav.backoffice.reveals import REVEAL_PERMISSION
from sunusav.backoffice.search import LONGEST_TEXT, Found, only_page, search
from sunusav.core import clock
from sunusav.core.models import User


@dataclass(frozen=True)
class Asked:
    """What a person typed: not in its `repr`, which Django's template engine logs with the context."""

    text: str = field(repr=False)
    is_more: bool


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("text")
def search_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show what a posted text finds, `context` being the site's own; a GET shows the empty box."""
    text = _asked(request)
    only, after = request.POST.get("only", ""), request.POST.get("after", "")
    user = person_of(request)
    found = _found(text, user, only=only, after=after)
    page = "" if only else only_page(found)
    if page:
        return redirect(page)
    own = {
        "title": _("Search"), "asked": Asked(text, is_more=bool(only)), "found": found,
        "finds_people": user.has_perm(REVEAL_PERMISSION),
    }  # fmt: skip
    return TemplateResponse(request, "admin/backoffice/search.html", {**context, **own})


def _asked(request: HttpRequest) -> str:
    text = " ".join(request.POST.get("text", "").split())
    return text if text.isprintable() else ""


def _found(text: str, user: User, *, only: str, after: str) -> list[Found]:
    if not text or len(text) > LONGEST_TEXT:
        return []
    return search(text, user, now=clock.now(), only=only, after=after)
