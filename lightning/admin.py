from django.contrib import admin

from lightning.models import ListenerCursor
from sunusav.backoffice.admins import ReadOnlyAdmin


@admin.register(ListenerCursor)
class ListenerCursorAdmin(ReadOnlyAdmin):
    list_display = ("node_pubkey", "settle_index", "moved_at")
    fields = list_display
