"""What partners delivered, and the pages of the partners in use."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from partners.admin.overview import all_partners, one_partner
from partners.models import InboundWebhook
from partners.queries import late_webhooks
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.columns import choice_filter
from sunusav.backoffice.facts import numbered, show_code_or_text
from sunusav.backoffice.filters import few_rows
from sunusav.backoffice.forbidden import PermissionMissing
from sunusav.core import clock

ABOUT_PARTNERS = _("As of the last look at each partner, every half minute. Opening this page calls nobody.")


# From settings: reading the values in use would scan the whole table for every page.
PARTNER = choice_filter("partner", lambda: settings.PARTNERS, heading=_("partner"))
LATE = few_rows("late", late_webhooks, heading=_("followed by nobody"))  # as the inbox counts them


@admin.register(InboundWebhook)
class InboundWebhookAdmin(ReadOnlyAdmin):
    list_display = (
        "received_at",
        "partner_shown",
        "kind",
        "reference",
        "authenticity",
        "outcome",
        "handled_at",
    )
    fields = (
        "partner_shown", "kind", "reference", "transaction_id", "event_key", "authenticity", "received_at",
        "follow_at", "handled_at", "outcome",
    )  # fmt: skip
    fields_hidden_when_empty = ("transaction_id", "follow_at", "handled_at", "outcome")
    list_filter = (PARTNER, "outcome", "received_at", LATE)
    search_fields = ("reference",)
    search_help_text = _("The exact reference of a payment or of a request for payment.")
    ordering = ("-id",)
    links = ("partner",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("partners/", view(self.overview), name="partners_overview"),
            path("partners/<str:partner>/", view(self.partner_view), name="partners_partner"),
            *super().get_urls(),
        ]

    def overview(self, request: HttpRequest) -> HttpResponse:
        """Show every partner in use."""
        return self._sections_page(request, _("Partners in use"), [all_partners(now=clock.now())])

    def partner_view(self, request: HttpRequest, partner: str) -> HttpResponse:
        """Show one partner: our money there, what waits, what it delivered and what is set here. Raises: Http404."""
        if partner not in settings.PARTNERS:
            raise Http404
        return self._sections_page(request, show_code_or_text(partner), one_partner(partner, now=clock.now()))

    def _sections_page(self, request: HttpRequest, title: Any, sections: Any) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionMissing(["partners.view_inboundwebhook"])
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": title, "about": ABOUT_PARTNERS,
            "sections": sections,
        }  # fmt: skip
        return TemplateResponse(request, "admin/backoffice/page.html", context)

    @admin.display(description=_("partner"), ordering="partner")
    def partner_shown(self, row: InboundWebhook) -> str:
        return show_code_or_text(row.partner)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {show_code_or_text(row.partner)}"
