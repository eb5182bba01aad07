"""Filters of lists by dates, amounts and states. Each says which columns it compares, so that an index can answer."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from operator import or_
from typing import Any, Final, NoReturn, cast

from django.contrib import messages
from django.contrib.admin import FieldListFilter, ListFilter, SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.functional import cached_property
from django.utils.timezone import get_current_timezone, localtime, make_aware
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from sunusav.core import clock

# Rows that a search, or a filter that keeps few rows, finds by each of its fields.
MOST_FOUND: Final = 500
RANGES = {"gte", "gt", "lte", "lt"}
MAX_AMOUNT_DIGITS = 15
LAST_DAYS = 7
_GROUPING = re.compile(r"[\s\u00a0\u202f]")

SAFE_LOOKUPS = {
    "exact", "in", "isnull", "id", "gte", "gt", "lte", "lt", "year", "month", "day", "isempty",
}  # fmt: skip


@dataclass(frozen=True)
class Chosen:
    """What a filter keeps: rows with these values in the columns `equal`, and in a range of those in `ranges`."""

    condition: Q
    equal: frozenset[str]
    ranges: frozenset[str]

    def is_answered(self, columns: Collection[str]) -> bool:
        """Return whether an index that answers these columns answers all of this filter."""
        return self.equal | self.ranges <= set(columns)


def chosen_by(model: type[models.Model], lookups: Mapping[str, Any]) -> Chosen | None:
    """Return what these lookups keep; None where one is not about a column of the model itself."""
    kinds: dict[str, set[str]] = {"exact": set(), "range": set()}
    condition = Q()
    for lookup, given in lookups.items():
        values = given if isinstance(given, list) else [given]
        column, kind = _column_and_kind(model, lookup)
        if not column or kind not in kinds or (kind == "exact" and len(values) != 1):
            return None
        kinds[kind].add(column)
        condition &= reduce(or_, (Q((lookup, value)) for value in values))
    return Chosen(condition, frozenset(kinds["exact"]), frozenset(kinds["range"]))


def _column_and_kind(model: type[models.Model], lookup: str) -> tuple[str, str]:
    path = lookup.split("__")
    kind = path.pop() if path[-1] in {"exact", *RANGES} else "exact"
    try:
        field = model._meta.get_field(path[0])
    except FieldDoesNotExist:
        return "", ""
    if len(path) > 1 and not _is_key_of_related(field, path[1:]):
        return "", ""
    return getattr(field, "attname", ""), "range" if kind in RANGES else kind


def _is_key_of_related(field: Any, path: Sequence[str]) -> bool:
    if not isinstance(field, models.ForeignKey):
        return False
    related: Any = field.related_model
    return list(path) in (["pk"], [related._meta.pk.name])


class FewRows(SimpleListFilter):
    """A filter whose rows are few at any time: they are found first, by an index of their own, and then by key.

    Should they be many, the newest `MOST_FOUND` are kept, and `is_cut` says so.
    """

    is_selective = True
    is_cut = False

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        # A text is no number that grows: where it is the key, the list's own order has the newest first.
        is_number = isinstance(model._meta.pk, models.AutoField)
        self._newest_first = ("-pk",) if is_number else model_admin.get_ordering(request)
        if self.value() not in dict(self.lookup_choices):
            self.used_parameters = {}

    def found(self, request: HttpRequest, value: str) -> QuerySet[Any]:
        """Return the rows of a value."""
        raise NotImplementedError

    @cached_property
    def _keys(self) -> dict[str, list[Any]]:
        return {}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        if value not in self._keys:
            found = self.found(request, value).order_by(*self._newest_first)
            keys = list(found.values_list("pk", flat=True)[: MOST_FOUND + 1])
            self.is_cut = len(keys) > MOST_FOUND
            self._keys[value] = keys[:MOST_FOUND]
        return queryset.filter(pk__in=self._keys[value])


def few_rows(name: str, rows_at: Callable[[datetime], QuerySet[Any]], *, heading: Any) -> type[FewRows]:
    """Return the filter that keeps the rows that `rows_at` returns now: what an item of the inbox counts."""

    class Few(FewRows):
        title = heading
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
            return [("yes", _("Yes"))]

        def found(self, request: HttpRequest, value: str) -> QuerySet[Any]:
            return rows_at(clock.now())

    return Few


class RangeFilter(ListFilter):
    """A filter with two fields, from and to, in a form of its own."""

    template = "admin/backoffice/range_filter.html"
    input_type, step = "text", ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hidden: list[tuple[str, str]] = []

    @property
    def inputs(self) -> list[tuple[str, Any, Any]]:
        """Return the name, label and value of both fields."""
        raise NotImplementedError

    def has_output(self) -> bool:
        return True

    def kept_beside(self, changelist: Any) -> list[tuple[str, str]]:
        """Return the other parameters of the list, which the form must send again."""
        others = changelist.filter_params.items()
        return [
            (name, value) for name, values in others if name not in self.names for value in _listed(values)
        ]

    @property
    def names(self) -> set[str]:
        return {str(name) for name in self.expected_parameters() if name}


def _listed(values: Any) -> list[str]:
    return [str(value) for value in (values if isinstance(values, list) else [values])]


class DateRange(RangeFilter, FieldListFilter):
    """Keep the rows of a range of days, both included. Links may give moments instead of days."""

    input_type = "date"

    def __init__(self, field: Any, request: HttpRequest, *args: Any, field_path: str, **kwargs: Any) -> None:
        self.since, self.until, self.through = (f"{field_path}__{kind}" for kind in ("gte", "lt", "lte"))
        super().__init__(field, request, *args, field_path=field_path, **kwargs)
        self.given = {name: str(_listed(value)[-1]) for name, value in self.used_parameters.items()}
        self.used_parameters = {name: [value] for name, value in self._bounds(request) if value is not None}

    def expected_parameters(self) -> list[str | None]:
        return [self.since, self.until, self.through]

    def _bounds(self, request: HttpRequest) -> Iterator[tuple[str, Any]]:
        for name, text in self.given.items():
            if not text:
                continue
            day = _parsed(_day_with_a_next, text)
            moment = None if day else _parsed(_moment_in_utc, text)
            if day is None and moment is None:
                _refuse(request, gettext("“%(given)s” is not a date.") % {"given": text})
            if day is None:
                yield name, moment if moment is None or moment.tzinfo else make_aware(moment)
            elif name == self.through:
                yield self.until, self._value(day + timedelta(days=1))
            else:
                yield name, self._value(day)

    def _value(self, day: date) -> date | datetime:
        if not isinstance(self.field, models.DateTimeField):
            return day
        return datetime.combine(day, time.min, tzinfo=get_current_timezone())

    @property
    def inputs(self) -> list[tuple[str, Any, Any]]:
        return [
            (self.since, pgettext_lazy("day", "from"), self.given.get(self.since, "")[:10]),
            (self.through, pgettext_lazy("day", "through"), self.given.get(self.through, "")[:10]),
        ]

    def choices(self, changelist: Any) -> Iterator[Any]:
        self.hidden = self.kept_beside(changelist)
        today = localtime(clock.now()).date()
        yield self._choice(changelist, _("Any date"), {})
        yield self._choice(changelist, _("Today"), self._days(today, today))
        yield self._choice(
            changelist, _("Last 7 days"), self._days(today - timedelta(days=LAST_DAYS - 1), today)
        )
        yield self._choice(changelist, _("This month"), self._days(today.replace(day=1), today))

    def _days(self, since: date, through: date) -> dict[str, str]:
        return {self.since: since.isoformat(), self.through: through.isoformat()}

    def _choice(self, changelist: Any, display: Any, days: dict[str, str]) -> dict[str, Any]:
        query_string = changelist.get_query_string({**dict.fromkeys(self.names), **days})
        given = {name: value for name, value in self.given.items() if value}
        return {"selected": given == days, "query_string": query_string, "display": display}


def _day_with_a_next(text: str) -> date | None:
    day = parse_date(text)
    return None if day == date.max else day


def _moment_in_utc(text: str) -> datetime | None:
    moment = parse_datetime(text)
    return moment.astimezone(UTC) if moment and moment.tzinfo else moment


def _parsed(parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except (ValueError, OverflowError):
        return None


class AmountRange(RangeFilter):
    """Keep the rows with an amount in a range, both ends included."""

    input_type = "number"
    parameter_name = column = ""
    factor = 1
    # What else the rows must have: an amount of collections is in sats or francs, which another column says.
    also: Mapping[str, Any] = {}

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        taken = {name: _listed(params.pop(name))[-1] for name in self.parameter_names() if name in params}
        self.given = {name: value for name, value in taken.items() if value}
        for name, text in self.given.items():
            self.used_parameters[name] = _amount(request, text)

    @classmethod
    def parameter_names(cls) -> tuple[str, str]:
        return f"{cls.parameter_name}_from", f"{cls.parameter_name}_to"

    def expected_parameters(self) -> list[str | None]:
        return list(self.parameter_names())

    def lookups_used(self) -> dict[str, Any]:
        """Return the lookups that the given amounts stand for."""
        low, high = (cast(int | None, self.used_parameters.get(name)) for name in self.parameter_names())
        found: dict[str, Any] = {}
        if low is not None:
            found[f"{self.column}__gte"] = low * self.factor
        if high is not None:
            found[f"{self.column}__lt"] = (high + 1) * self.factor
        return {**self.also, **found} if found else {}

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(**self.lookups_used())

    @property
    def inputs(self) -> list[tuple[str, Any, Any]]:
        low, high = self.parameter_names()
        return [
            (low, pgettext_lazy("amount", "from"), self.given.get(low, "")),
            (high, pgettext_lazy("amount", "to"), self.given.get(high, "")),
        ]

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        self.hidden = self.kept_beside(changelist)
        query_string = changelist.get_query_string(dict.fromkeys(self.names))
        yield {"selected": not self.given, "query_string": query_string, "display": _("Any amount")}


def amount_filter(
    column: str, *, name: str, heading: Any, factor: int = 1, also: Mapping[str, Any] | None = None
) -> type[AmountRange]:
    """Return the filter of a column by amount.

    *Units*: people give what `name` ends in; the column has `factor` times as many of its own unit.
    """
    fields = {
        "title": heading,
        "column": column,
        "parameter_name": name,
        "factor": factor,
        "also": also or {},
    }
    return type("AmountFilter", (AmountRange,), fields)


def _amount(request: HttpRequest, text: str) -> int:
    digits = _GROUPING.sub("", text)
    if not digits.isdecimal() or len(digits) > MAX_AMOUNT_DIGITS:
        _refuse(request, gettext("“%(given)s” is not a whole amount.") % {"given": text})
    return int(digits)


def _refuse(request: HttpRequest, message: str) -> NoReturn:
    """Show the list without filters, with a message. Raises: IncorrectLookupParameters."""
    messages.error(request, message)
    raise IncorrectLookupParameters


def lookups_of(spec: Any) -> Mapping[str, Any] | None:
    """Return the lookups that a filter applies; None for one that decides otherwise."""
    if hasattr(spec, "lookups_used"):
        lookups: Mapping[str, Any] = spec.lookups_used()
        return lookups
    if isinstance(spec, FieldListFilter) or getattr(spec, "is_by_column", False):
        used: Mapping[str, Any] = spec.used_parameters
        return used
    return None


def parameters_of(list_filter: Iterable[Any]) -> list[str]:
    """Return the parameters, or the fields, by which the filters of a list filter."""
    names = [name[0] if isinstance(name, tuple) else name for name in list_filter]
    return [one for name in names for one in _parameters_of(name)]


def _parameters_of(name: Any) -> Sequence[str]:
    if isinstance(name, str):
        return (name,)
    given: Sequence[str] = (
        name.parameter_names() if hasattr(name, "parameter_names") else (name.parameter_name,)
    )
    return given


def is_safe(lookup: str, name: str) -> bool:
    """Return whether a lookup compares a field as a whole, so that nobody guesses a value letter by letter."""
    return (
        lookup.startswith(f"{name}__") and set(lookup.removeprefix(f"{name}__").split("__")) <= SAFE_LOOKUPS
    )
