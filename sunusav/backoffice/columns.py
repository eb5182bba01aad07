"""Columns of lists and fields of pages: amounts with their unit, states in the reader's language.

An admin names model fields; the unit suffix and the type of a field decide how it is shown.
"""

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

from django.contrib import admin
from django.contrib.admin import ChoicesFieldListFilter, SimpleListFilter
from django.contrib.admin.utils import display_for_field, label_for_field, lookup_field
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy

from sunusav.backoffice.facts import long, moment, show_actor, show_code, show_code_or_text, show_facts
from sunusav.backoffice.filters import DateRange
from sunusav.backoffice.money import NOTHING, SHOWN_BY_UNIT, show_in
from sunusav.backoffice.sections import link_to_page, show_subject
from sunusav.core import phrasing
from sunusav.core.app_modules import collect_mapping
from sunusav.core.models import User
from sunusav.core.phrasing import unit_of

# How to show the text columns that apps name in these sets of their `phrases.py`.
SHOWN_BY_NAMES: dict[str, Callable[[Any], Any]] = {
    "SUBJECTS": show_subject, "LONG_TEXTS": long, "CODES": show_code_or_text, "ACTORS": show_actor,
}  # fmt: skip

Column = str | Callable[[Any], Any]


def shown(model: type[models.Model], names: Iterable[Column]) -> list[Column]:
    """Replace names of model fields by columns that show their values for people."""
    return [_column(model, name) if isinstance(name, str) else name for name in names]


def shown_on_page(model: type[models.Model], names: Iterable[Column]) -> list[Column]:
    """Do the same on the page of one row, where apps may query what a text names: `PAGE_FORMATS` of `backoffice.py`.

    It has a function of the stored text by `<app>.<model>.<field>`.
    """
    formats = collect_mapping("backoffice", "PAGE_FORMATS")
    return [
        _formatted(model._meta.get_field(str(name)), formats[key])
        if (key := f"{model._meta.label_lower}.{name}") in formats
        else shown(model, [name])[0]
        for name in names
    ]


def show_on_page(row: models.Model, name: str) -> Any:
    """Show one field of a row as its page does."""
    (column,) = shown_on_page(type(row), [name])
    return column(row) if callable(column) else getattr(row, column)


@cache
def _formatted(field: Any, show: Callable[[str], Any]) -> Column:
    return _as_column(field, lambda row: _shown_once(row, getattr(row, field.attname), show) or NOTHING)


def _shown_once(row: models.Model, text: str, show: Callable[[str], Any]) -> Any:
    """Return how a text of this row is shown: templates ask several times, and it may take queries."""
    kept = row.__dict__.setdefault("_shown_on_page", {})
    if (show, text) not in kept:
        kept[show, text] = show(text)
    return kept[show, text]


def _field(model: type[models.Model], name: Column) -> Any:
    try:
        return model._meta.get_field(name) if isinstance(name, str) else None
    except FieldDoesNotExist:
        return None


def shown_beside_inputs(model: type[models.Model], names: Iterable[Column]) -> list[Column]:
    """Do the same on a page with a form, except for datetimes: there Django needs the names of the fields."""
    return [name if _is_moment(model, name) else shown(model, [name])[0] for name in names]


def _is_moment(model: type[models.Model], name: Column) -> bool:
    return isinstance(_field(model, name), models.DateTimeField)


def _column(model: type[models.Model], name: str) -> Column:
    field = _field(model, name)
    return _column_of(field) if isinstance(field, models.Field) else name


@cache
def _column_of(field: Any) -> Column:
    """Return a field's column, cached: Django compares columns by identity."""
    if isinstance(field, models.ForeignKey):
        return _as_column(field, lambda row: show_related(getattr(row, field.name)))
    if field.name in phrasing.listed_names("IN_CURRENCY") and _field(field.model, "currency"):
        return _as_column(field, lambda row: show_in(row.currency, getattr(row, field.attname)))
    render = _renderer(field)
    return _as_column(field, lambda row: render(getattr(row, field.attname))) if render else str(field.name)


def _renderer(field: Any) -> Callable[[Any], Any] | None:
    if unit := unit_of(field.name):
        return SHOWN_BY_UNIT[unit]
    if field.choices:
        return partial(show_choice, of=field.name)
    by_name = [show for names, show in SHOWN_BY_NAMES.items() if field.name in phrasing.listed_names(names)]
    if by_name:
        return by_name[0]
    if isinstance(field, models.DateTimeField):
        return moment
    if isinstance(field, models.JSONField):
        return show_facts
    return None


def _as_column(field: Any, render: Callable[[Any], Any]) -> Column:
    @admin.display(description=field.verbose_name, ordering=field.name)
    def column(row: models.Model) -> Any:
        return render(row)

    column.__name__ = field.name
    return column


def show_related(row: models.Model | None) -> Any:
    """Show the row that a foreign key points to: its name, with a link to its page.

    Users get no link: few people may open their pages.
    """
    if row is None:
        return NOTHING
    name = name_of(row)
    return name if isinstance(row, User) else link_to_page(row._meta.label_lower, row.pk, name)


def name_of(row: models.Model) -> str:
    """Return the name of a row in the back office."""
    model_admin: Any = admin.site._registry.get(type(row))  # noqa: SLF001  (there is no public accessor)
    return str(model_admin.name_of(row)) if hasattr(model_admin, "name_of") else str(row)


def show_choice(value: Any, *, of: str = "") -> str:
    """Show the label of a choice as a badge that the stylesheet colours by tone."""
    return NOTHING if value in ("", None) else badge(value, phrasing.code_label(str(value), of=of))


def badge(value: str, label: Any) -> str:
    """Show a state as a badge in the tone that the apps' `TONES` give it."""
    return format_html(
        '<span class="badge" data-value="{}" data-tone="{}">{}</span>', value, phrasing.tone(value), label
    )


class TranslatedChoicesFilter(ChoicesFieldListFilter):
    """Django's filter by choice, with the labels in the reader's language."""

    def choices(self, changelist: Any) -> Any:
        of = self.field.name
        labels = {label: phrasing.code_label(str(value), of=of) for value, label in self.field.flatchoices}
        for choice in super().choices(changelist):
            yield {**choice, "display": labels.get(choice["display"], choice["display"])}


def choice_filter(
    name: str, values: Callable[[], Iterable[str]], *, heading: Any = None
) -> type[SimpleListFilter]:
    """Return a filter of a field by the values that `values` returns; its heading is the field's name unless given."""

    class ChoiceFilter(SimpleListFilter):
        title = heading or gettext_lazy(name)
        parameter_name = name
        is_by_column = True

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(value, show_code(value)) for value in values()]

        def queryset(self, request: HttpRequest, queryset: Any) -> Any:
            return queryset.filter(**{name: self.value()}) if self.value() else queryset

    return ChoiceFilter


def filters(model: type[models.Model], names: Iterable[Any]) -> list[Any]:
    """Replace filters of fields with choices by translated ones, and of dates by ranges of days."""
    return [_filter(model, name) for name in names]


def _filter(model: type[models.Model], name: Any) -> Any:
    if not isinstance(name, str) or "__" in name:
        return name
    field = model._meta.get_field(name)
    if getattr(field, "choices", None):
        return (name, TranslatedChoicesFilter)
    return (name, DateRange) if isinstance(field, models.DateField) else name


def read(row: models.Model, model_admin: Any, names: Iterable[Column]) -> list[tuple[str, Any]]:
    """Return the labels and shown values of a row's columns, without the empty ones."""
    values = [(name, _value(row, model_admin, name)) for name in shown_on_page(type(row), names)]
    return [(_label(row, model_admin, name), value) for name, value in values if value not in (NOTHING, "")]


def _label(row: models.Model, model_admin: Any, name: Column) -> str:
    return str(capfirst(str(label_for_field(name, type(row), model_admin))))


def _value(row: models.Model, model_admin: Any, name: Column) -> Any:
    field, _, value = lookup_field(name, row, model_admin)
    if isinstance(value, bool):
        return gettext_lazy("yes") if value else gettext_lazy("no")
    if field is None:
        return value
    if field.remote_field:
        return value if value is not None else NOTHING
    return display_for_field(value, field, NOTHING)


def stored_fields(model: type[models.Model]) -> list[str]:
    """Return the fields to show: no automatic keys, generated columns or encrypted data."""
    return [
        field.name
        for field in model._meta.fields
        if not (field.primary_key and field.get_internal_type().endswith("AutoField"))
        and not field.generated
        and field.get_internal_type() != "BinaryField"
    ]


def is_empty(row: Any, name: str) -> bool:
    """Return whether a row, if there is one, has no value in a field."""
    return row is not None and getattr(row, name) in (None, "")
