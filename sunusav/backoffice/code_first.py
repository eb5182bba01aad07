"""Ask for a code before a page whose own form has no place for one."""

from typing import Any

from django.contrib.admin.sites import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.admins import person_of
from sunusav.backoffice.forms import CodeForm


def code_asked_first(request: HttpRequest) -> HttpResponse | None:
    """Return where to give a code before this page; None where no code is needed, or the last one is fresh."""
    if "code" not in _form(request, None).fields:
        return None
    query = urlencode({"next": request.get_full_path()})
    return HttpResponseRedirect(f"{reverse('admin:security_code')}?{query}")


def code_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Ask for a code, then open the page that was wanted."""
    form = _form(request, request.POST if request.method == "POST" else None)
    if form.is_valid():
        return HttpResponseRedirect(_wanted(request))
    question = _("This page changes what people may do, so it needs a code first.")
    context = {**site.each_context(request), "title": _("One-time code"), "form": form, "question": question}
    return TemplateResponse(request, "admin/security_form.html", context)


def _form(request: HttpRequest, data: Any) -> CodeForm:
    return CodeForm(data, user=person_of(request), session=request.session)


def _wanted(request: HttpRequest) -> str:
    """Return the page of this site that was wanted, or the first one."""
    url = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return url if is_ours else reverse("admin:index")
