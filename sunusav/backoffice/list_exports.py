"""Exports of the lists of the back office: what a list shows is what its export holds.

The query of the list is stored and read again by the list itself, as the person who asked, each time a worker goes on:
filters that no longer exist, and rights that were lost, end the export.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import unescape
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field, lookup_field
from django.contrib.admin.views.main import ALL_VAR, ORDER_VAR, PAGE_VAR, SEARCH_VAR
from django.contrib.messages.storage.base import BaseStorage
from django.core.exceptions import FieldDoesNotExist, SuspiciousOperation
from django.db import models
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.html import strip_tags
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext, pgettext_lazy

from sunusav.backoffice.actions import Button
from sunusav.backoffice.columns import name_of
from sunusav.backoffice.filters import MOST_FOUND
from sunusav.backoffice.money import NOTHING
from sunusav.core.app_modules import collect
from sunusav.core.clock import Clock
from sunusav.core.exporting.columns import column_of
from sunusav.core.exporting.errors import ExportFiltersInvalid, ExportListCut, ExportNotAllowed
from sunusav.core.exporting.preparing import prepare_next
from sunusav.core.exporting.requests import request_export
from sunusav.core.exporting.types import Column, ListExport, Source
from sunusav.core.models import Export, User
from sunusav.core.phrasing import enumerated, labelled
from sunusav.core.wake_ups import wake

TASK = "backoffice.prepare_exports"
# What a list's query says about pages and order; rows of an export are in the order of their keys.
NOT_FILTERS = {ALL_VAR, ORDER_VAR, PAGE_VAR, "after", "before", "e"}


def filters_of(request: HttpRequest) -> dict[str, list[str]]:
    """Return the filters and the search of a list's query, without its page and order."""
    lists = dict(request.GET.lists())
    return {name: values for name, values in lists.items() if name not in NOT_FILTERS and any(values)}


def export_buttons(model_admin: Any, request: HttpRequest) -> list[Button]:
    """Return the button above a list, which keeps the filters and the search that the list shows."""
    if not may_export(model_admin, request):
        return []
    url = reverse("admin:core_export_request", args=[model_admin.opts.label_lower])
    query = urlencode(filters_of(request), doseq=True)
    return [Button(pgettext_lazy("button", "Export"), f"{url}?{query}" if query else url, "default")]


def source_of(export: Export) -> Source:
    """Return the rows that the list shows to the person who asked.

    Raises: ExportNotAllowed, ExportFiltersInvalid, ExportListCut.
    """
    return source_for(export.requester, export.list_name, export.filters)


def source_for(user: User, list_name: str, filters: Mapping[str, Sequence[str]]) -> Source:
    """Do the same for a person, a list and its filters."""
    model_admin, request = admin_of(list_name), _request(user, filters)
    if not may_export(model_admin, request):
        raise ExportNotAllowed(list_name=list_name)
    try:
        shown = model_admin.get_changelist_instance(request)
    except (IncorrectLookupParameters, SuspiciousOperation) as error:
        raise ExportFiltersInvalid(list_name=list_name) from error
    if shown.is_cut:
        raise ExportListCut(list_name=list_name, most_rows=MOST_FOUND)
    own = _contributed().get(list_name)

    def load(keys: Sequence[Any]) -> list[Any]:
        rows = shown.apply_select_related(model_admin.get_queryset(request).filter(pk__in=keys))
        found = {row.pk: row for row in (rows.select_related(*own.related) if own and own.related else rows)}
        read = [found[key] for key in keys if key in found]
        model_admin.prepare(read)
        return _kept(shown, read)

    return Source(
        title=capfirst(str(model_admin.opts.verbose_name_plural)),
        about=_about(shown, filters),
        columns=own.columns if own else _columns_shown(model_admin),
        keys=shown.queryset,
        load=load,
    )


def _kept(shown: Any, rows: list[Any]) -> list[Any]:
    """Return the rows that pass the filters which decide on prepared rows, as the list has them decide."""
    for spec in shown.filter_specs:
        if spec.used_parameters and (keeps := getattr(spec, "keeps", None)):
            rows = list(keeps(rows))
    return rows


def admin_of(list_name: str) -> Any:
    """Return the admin of a list that can be exported. Raises: ExportNotAllowed."""
    for model, model_admin in admin.site._registry.items():  # noqa: SLF001  (there is no public accessor)
        if model._meta.label_lower == list_name and getattr(model_admin, "is_exported", False):
            return model_admin
    raise ExportNotAllowed(list_name=list_name)


def may_export(model_admin: Any, request: HttpRequest) -> bool:
    """Return whether the person of a request may still enter the back office and see this list."""
    user: Any = request.user
    return bool(
        user.is_active
        and user.is_staff
        and model_admin.is_exported
        and model_admin.has_view_permission(request)
    )


def ask_for_export(
    *, list_name: str, filters: Mapping[str, Sequence[str]], file_format: str, user: User, now: datetime
) -> Export:
    """Ask for a file of what a list shows to this person, in their language, and wake a worker.

    Raises: ExportNotAllowed, ExportFiltersInvalid, ExportListCut, ExportTooLarge, ExportLimitReached.
    """
    export = request_export(
        list_name=list_name, filters=filters, file_format=file_format, language=get_language() or "",
        source=source_for(user, list_name, filters), requester=user, now=now,
    )  # fmt: skip
    wake(TASK)
    return export


def prepare_exports(*, clock: Clock) -> bool:
    """Work on one export and wake the next call; return whether there was one."""
    has_worked = prepare_next(source_of, clock=clock)
    if has_worked:
        wake(TASK)
    return has_worked


def _contributed() -> dict[str, ListExport]:
    listed: list[ListExport] = collect("exports", "EXPORTS")
    return {item.model: item for item in listed}


def _request(user: User, filters: Mapping[str, Sequence[str]]) -> HttpRequest:
    """Return the request by which this person would see the list."""
    request, query = HttpRequest(), QueryDict(mutable=True)
    for name, values in filters.items():
        query.setlist(name, list(values))
    request.method, request.user, request.GET = "GET", user, query  # type: ignore[assignment]
    # Lists say on the next page what is wrong with a filter; here a refusal says it.
    setattr(request, "_messages", BaseStorage(request))  # noqa: B010  (mypy knows no such attribute)
    return request


def _about(shown: Any, filters: Mapping[str, Sequence[str]]) -> str:
    """Say by what the list is filtered, as it says so itself."""
    used = [spec for spec in shown.filter_specs if set(spec.expected_parameters()) & set(filters)]
    kept = [(capfirst(str(spec.title)), _kept_by(spec, shown)) for spec in used]
    parts = [labelled(name, text) for name, text in kept if text]
    if SEARCH_VAR in filters:
        parts.append(gettext("Search: %(text)s") % {"text": shown.query})
    others = set(filters) - {SEARCH_VAR, *(name for spec in used for name in spec.expected_parameters())}
    return enumerated([*parts, *(labelled(name, ", ".join(filters[name])) for name in sorted(others))])


def _kept_by(spec: Any, shown: Any) -> str:
    """Return what a filter keeps: the ends of its range, or what was chosen."""
    if hasattr(spec, "inputs"):
        return " ".join(f"{label} {value}" for _name, label, value in spec.inputs if value)
    return ", ".join(str(choice["display"]) for choice in spec.choices(shown) if choice.get("selected"))


def _columns_shown(model_admin: Any) -> tuple[Column, ...]:
    """Return columns for what a list shows, where its app says nothing else. One without a heading is a link."""
    columns = [_column_shown(model_admin, name) for name in model_admin.list_display]
    return tuple(column for column in columns if column.header)


def _column_shown(model_admin: Any, name: Any) -> Column:
    """Return the column of a field with its type; of anything else, the text that the list shows."""
    field = _field(model_admin.model, name)
    if field is not None and not field.is_relation:
        return column_of(model_admin.model, name)
    if field is not None:
        return Column(field.verbose_name, lambda row: _related(getattr(row, name)))
    label = label_for_field(name, model_admin.model, model_admin)
    return Column(label, lambda row: _text(lookup_field(name, row, model_admin)[2]))


def _field(model: type[models.Model], name: Any) -> Any:
    try:
        return model._meta.get_field(name) if isinstance(name, str) else None
    except FieldDoesNotExist:
        return None


def _related(row: models.Model | None) -> str:
    return "" if row is None else name_of(row)


def _text(value: Any) -> Any:
    """Return a shown value as plain text: markup is left out, numbers and moments stay what they are."""
    if value is None or isinstance(value, bool | int) or hasattr(value, "isoformat"):
        return value
    text = unescape(strip_tags(str(value))) if hasattr(value, "__html__") else str(value)
    return "" if text == NOTHING else text
