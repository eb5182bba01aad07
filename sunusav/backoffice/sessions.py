"""The list of all sessions of the back office, for people who may end those of others."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.access_actions import END_SESSION
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.user_agents import browser_name
from sunusav.core.models import StaffSession


@admin.register(StaffSession)
class StaffSessionAdmin(ReadOnlyAdmin):
    """The key of a session, which is as good as a login, appears nowhere."""

    list_display = ("user", "started_at", "seen_at", "address", "browser")
    fields = ("user", "started_at", "seen_at", "address", "browser")
    search_fields = ("user__username",)
    search_help_text = _("The exact login.")
    list_select_related = ("user",)
    ordering = ("-id",)
    actions_offered = (END_SESSION,)

    @admin.display(description=_("browser"))
    def browser(self, row: StaffSession) -> str:
        return browser_name(row.user_agent)

    def name_of(self, row: Any) -> str:
        return str(row.user.get_username())

    def url_after_action(self, rows: Any) -> str:
        return self.list_url()
