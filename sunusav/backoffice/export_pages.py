"""A person's own exports: how far each is, cancelling it, and downloading its file."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.text import capfirst, slugify
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.actions import Action, Button, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin, person_of
from sunusav.backoffice.facts import moment, numbered
from sunusav.backoffice.list_exports import admin_of, ask_for_export, filters_of, may_export, source_for
from sunusav.backoffice.money import NOTHING, show_number
from sunusav.backoffice.refusals import show_reason, show_refusal
from sunusav.backoffice.sections import Box, Section
from sunusav.backoffice.timeline import timeline_of
from sunusav.core import clock
from sunusav.core.errors import DomainError
from sunusav.core.exporting import files
from sunusav.core.exporting.errors import ExportFiltersInvalid, ExportListCut, ExportNotAllowed
from sunusav.core.exporting.requests import (
    cancel_export,
    export_behind,
    export_subject,
    link_of,
    record_download,
)
from sunusav.core.exporting.writers import WRITERS
from sunusav.core.models import Export, ExportFormat, ExportState, User

ALL_PER_CENT = 100


FORMATS = {
    ExportFormat.CSV: _("CSV: for spreadsheets and programs, of any length"),
    ExportFormat.XLSX: _("XLSX: for Excel, at most %(rows)s rows"),
    ExportFormat.PDF: _("PDF: to print and to file, at most %(rows)s rows"),
}


class ExportForm(forms.Form):
    file_format = forms.ChoiceField(label=_("Format"), widget=forms.RadioSelect, initial=ExportFormat.CSV)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["file_format"]
        limits = {name: show_number(WRITERS[name].most_rows or 0) for name in FORMATS}
        field.choices = [(name, text % {"rows": limits[name]}) for name, text in FORMATS.items()]


def _cancel(decision: Decision) -> None:
    cancel_export(export_id=decision.row.pk, requester=decision.user, now=decision.now)


def _is_preparing(user: User, row: Any) -> bool:
    return bool(row.state == ExportState.PREPARING)


CANCEL = Action(
    slug="cancel",
    label=_("Cancel the export"),
    question=_("What was prepared so far is deleted. The list itself is not changed."),
    done=_("cancelled"),
    run=_cancel,
    permission="core.view_export",
    is_offered=_is_preparing,
    tone="bad",
)


def per_cent_of(row: Export) -> int | None:
    """Return how far an export is, judged by its last key; None where keys are no numbers."""
    if row.state == ExportState.READY:
        return ALL_PER_CENT
    if not row.upper_key.isdecimal() or not row.lower_key.isdecimal():
        return None
    whole = int(row.upper_key) - int(row.lower_key) + 1
    done = int(row.cursor) - int(row.lower_key) + 1 if row.cursor else 0
    return min(ALL_PER_CENT, done * ALL_PER_CENT // whole)


def title_of(row: Export) -> str:
    """Return the name of the exported list."""
    try:
        return capfirst(str(admin_of(row.list_name).opts.verbose_name_plural))
    except DomainError:  # a list that no longer exists
        return row.list_name


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    """Everybody sees their own exports alone, superusers too: a file holds what its requester may see."""

    is_exported = False
    change_form_template = "admin/backoffice/export.html"
    list_display = ("id", "list_shown", "file_format", "state", "rows_done", "requested_at", "expires_at")
    fields = (
        "list_shown", "file_format", "state", "rows_done", "size", "requested_at", "ready_at", "expires_at",
        "failure",
    )  # fmt: skip
    fields_hidden_when_empty = ("ready_at",)
    card_fields = ("list_shown", "file_format", "state", "rows_done", "requested_at")
    ordering = ("-id",)
    actions_offered = (CANCEL,)

    class Media:
        js = ("backoffice/export.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(requester=person_of(request))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("new/<str:list_name>/", view(self.request_view), name="core_export_request"),
            path("<int:export_id>/progress/", view(self.progress_view), name="core_export_progress"),
            path("download/<str:link>/", view(self.download_view), name="core_export_download"),
            *super().get_urls(),
        ]

    def request_view(self, request: HttpRequest, list_name: str) -> HttpResponse:
        """Ask for the format (GET), or for the file (POST); the query is that of the list. Raises: PermissionDenied."""
        user = person_of(request)
        back = _list_url(list_name, filters_of(request))
        try:
            source = source_for(user, list_name, filters_of(request))
        except ExportNotAllowed as refusal:
            raise PermissionDenied from refusal
        except ExportFiltersInvalid as refusal:
            messages.error(request, show_refusal(refusal).text)
            return redirect(_list_url(list_name, {}))
        except ExportListCut as refusal:
            messages.error(request, show_refusal(refusal).text)
            return redirect(back)
        form = ExportForm(request.POST if request.method == "POST" else None)
        if form.is_valid() and (export := _ask(request, list_name, form)):
            return redirect(self._url("change", export.pk))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Export: %(list)s") % {"list": source.title},
            "list_title": source.title,
            "form": form,
            "about": source.about,
            "heads": [column.header for column in source.columns],
            "back": back,
        }
        return TemplateResponse(request, "admin/backoffice/export_request.html", context)

    @admin.display(description=_("list"), ordering="list_name")
    def list_shown(self, row: Export) -> str:
        return title_of(row)

    @admin.display(description=_("size"))
    def size(self, row: Export) -> str:
        return NOTHING if row.file_bytes is None else filesizeformat(row.file_bytes)

    @admin.display(description=_("failure"))
    def failure(self, row: Export) -> str:
        return show_reason(row.failure_code, row.failure_facts) if row.failure_code else NOTHING

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {title_of(row)} ({row.file_format.upper()})"

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the person's own export. Raises: Http404 for another person's, which Django would redirect."""
        row = super().get_object(request, object_id, from_field)
        if row is None:
            raise Http404
        return row

    def box(self, request: HttpRequest, row: Any) -> Box | None:
        if row.state == ExportState.READY:
            return Box(
                title=_("The file is ready"),
                text=_("It can be downloaded until %(until)s, by you alone. Then it is deleted.")
                % {"until": moment(row.expires_at)},
                tone="good",
            )
        if row.state == ExportState.FAILED:
            return Box(title=_("The file could not be made"), text=self.failure(row), tone="alarm")
        return None

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([export_subject(row.pk)]),)

    def buttons(self, request: HttpRequest, row: Any) -> list[Button]:
        if row.state != ExportState.READY:
            return super().buttons(request, row)
        return [Button(_("Download"), self._url("download", link_of(row)), "good")]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        progress = self._progress(row) if row.state == ExportState.PREPARING else None
        context = {"progress": progress, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def progress_view(self, request: HttpRequest, export_id: int) -> HttpResponse:
        """Return how far an export is, for the script of its page. Raises: Http404 for another person's."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, str(export_id))
        progress = self._progress(row)
        return JsonResponse({"per_cent": progress["per_cent"], "text": progress["text"], "state": row.state})

    def download_view(self, request: HttpRequest, link: str) -> HttpResponse | FileResponse:
        """Return the file to the person who asked for it, while they may see its list.

        Raises: Http404 for everybody else, and once it has expired; PermissionDenied.
        """
        user, now = person_of(request), clock.now()
        try:
            row = export_behind(link, requester=user, now=now)
            listed = admin_of(row.list_name)
        except DomainError as refusal:
            raise Http404 from refusal
        if not self.has_view_permission(request) or not may_export(listed, request):
            raise PermissionDenied
        file = files.finished_path(row).open("rb")
        record_download(export=row, requester=user, now=now)
        response = FileResponse(
            file,
            as_attachment=True,
            filename=_file_name(row),
            content_type=WRITERS[row.file_format].content_type,
        )
        response.headers["Cache-Control"] = "no-store, private"
        return response

    def _progress(self, row: Export) -> dict[str, Any]:
        per_cent = per_cent_of(row)
        rows = gettext("%(rows)s rows so far") % {"rows": show_number(row.rows_done)}
        about = gettext("about %(per_cent)s %%") % {"per_cent": per_cent} if per_cent is not None else ""
        url = self._url("progress", row.pk)
        return {"per_cent": per_cent, "text": f"{rows}, {about}" if about else rows, "url": url}


def _ask(request: HttpRequest, list_name: str, form: ExportForm) -> Export | None:
    """Ask for the file; a refusal is shown in the form."""
    try:
        return ask_for_export(
            list_name=list_name, filters=filters_of(request), user=person_of(request), now=clock.now(),
            file_format=form.cleaned_data["file_format"],
        )  # fmt: skip
    except DomainError as refusal:
        form.add_error(None, show_refusal(refusal).text)
    return None


def _list_url(list_name: str, filters: Mapping[str, Sequence[str]]) -> str:
    """Return the URL of a list with these filters. Raises: Http404."""
    try:
        url = reverse(f"admin:{list_name.replace('.', '_')}_changelist")
    except NoReverseMatch as error:
        raise Http404 from error
    return f"{url}?{urlencode(filters, doseq=True)}" if filters else url


def _file_name(row: Export) -> str:
    at = localtime(row.requested_at).strftime("%Y-%m-%d-%H%M")
    return f"{slugify(title_of(row))}-{at}.{row.file_format}"
