"""The list of every admin: pages by keyset, whose cost does not grow with the table.

A page is found in two steps: the keys of its rows, in an order that an index answers, then the rows with their joins.
Filters that the same index answers are part of the first query. Of the others, a page examines at most
`MOST_EXAMINED` rows and offers to go on, so that no combination of filters reads the whole table.
A filter may say that it keeps few rows (`is_selective`), or decide on rows that were prepared for display (`keeps`).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.exceptions import EmptyResultSet
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.http import urlencode

from sunusav.backoffice.filters import MOST_FOUND, Chosen, chosen_by, lookups_of
from sunusav.backoffice.indexes import (
    Plan,
    key_of,
    known_before,
    plan_for,
    plans_in_own_order,
    sort_by,
    total_order,
)
from sunusav.backoffice.money import show_number
from sunusav.core.keyset import (
    BadSignature,
    Order,
    Position,
    beyond,
    order_beyond,
    read_cursor,
    turned,
    write_cursor,
)

AFTER, BEFORE = "after", "before"
COLUMN = re.compile(r"[0-9]{1,3}")
LARGEST_NUMBER: Final = 2**63 - 1
MOST_COUNTED: Final = 10_000
# Rows that one page examines for filters which its index does not answer, and how many at once.
MOST_EXAMINED: Final = 2_000
EXAMINED_AT_ONCE: Final = 500
# The same for filters that decide on rows prepared for display, which reads several rows for each.
MOST_PREPARED: Final = 300
PREPARED_AT_ONCE: Final = 100


@dataclass
class Found:
    """Positions of the rows of a page, each with the key last, as they were read; and where to go on."""

    positions: list[Position] = field(default_factory=list)
    reached: Position | None = None
    is_end: bool = False


class KeysetChangeList(ChangeList):
    """Django's change list, with pages by keyset."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.given = {name: request.GET[name] for name in (AFTER, BEFORE) if name in request.GET}
        self.next_url = self.previous_url = self.first_url = ""
        self.is_unfinished = False
        self.count: int | None = None
        super().__init__(request, *args, **kwargs)

    # What is asked for

    def get_filters(self, request: HttpRequest) -> Any:
        for name in (AFTER, BEFORE):
            self.params.pop(name, None)
            self.filter_params.pop(name, None)
        found = super().get_filters(request)
        self.links = dict(found[2])
        return found

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Return the chosen order, else the default; in one direction, and no two rows in one place."""
        self.is_order_chosen = (chosen := self._chosen_order()) is not None
        names = chosen or [
            str(name) for name in self.model_admin.get_ordering(request) or self.lookup_opts.ordering or ()
        ]
        return list(_in_one_direction(self.model, names or ["-pk"]))

    def _chosen_order(self) -> list[str] | None:
        _sign, _, place = self.params.get(ORDER_VAR, "").partition(".")[0].rpartition("-")
        if not COLUMN.fullmatch(place) or int(place) >= len(self.list_display):
            return None
        column = self.list_display[int(place)]
        if column not in (self.sortable_by or ()):
            return None
        name = str(self.get_ordering_field(column))
        columns = sort_by(self.model, _attname(self.model, name)) or (name,)
        return [f"-{one}" if self.params[ORDER_VAR].startswith("-") else one for one in columns]

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """Return the rows that are asked for. Raises: IncorrectLookupParameters for values that no column can have."""
        queryset = super().get_queryset(request, exclude_parameters)
        try:
            _sql, values = cast(Any, queryset.query).sql_with_params()
        except EmptyResultSet:
            return queryset
        except (ValueError, OverflowError) as error:  # a moment or a year beyond the calendar
            raise IncorrectLookupParameters from error
        if any(isinstance(one, int) and abs(one) > LARGEST_NUMBER for one in values):
            raise IncorrectLookupParameters
        return queryset

    # What is read

    def get_results(self, request: HttpRequest) -> None:
        self._is_search_cut = bool(getattr(request, "is_search_cut", False))
        page = self._page()
        self.result_list = self._rows([position[-1] for position in page.positions])
        cast(Any, request).rows_shown = self.result_list
        # Actions are about rows of the page: nothing is selected across pages.
        self.result_count = self.full_result_count = len(self.result_list)
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = self.multi_page = False
        self.paginator = self.model_admin.get_paginator(request, self.result_list, self.list_per_page)

    def _page(self) -> Found:
        self._choose_source()
        start = self._start(BEFORE if BEFORE in self.given else AFTER)
        turned_back = start is not None and BEFORE in self.given
        found = self._collect(turned(self.order) if turned_back else self.order, start)
        if turned_back and found.is_end:  # the first page, in full
            turned_back, start, found = False, None, self._collect(self.order, None)
        self._link(found, start, *((BEFORE, AFTER) if turned_back else (AFTER, BEFORE)))
        if turned_back:
            found.positions.reverse()
        self.count = self._count(found, start)
        return found

    def _choose_source(self) -> None:
        """Choose the rows whose keys are read, their order, and what is left to check on each."""
        queryset = cast(QuerySet[Any], self.queryset)
        self.order: Order = tuple(str(name) for name in queryset.query.order_by)
        self.checks: list[Callable[[Sequence[Any]], Iterable[Any]]] = [
            check
            for spec in self.filter_specs
            if spec.used_parameters and (check := getattr(spec, "keeps", None))
        ]
        self.source = queryset
        self.is_source_complete = True
        if self.query.strip() and self.search_fields:
            return  # a few rows by key
        if any(getattr(one, "is_selective", False) and one.used_parameters for one in self.filter_specs):
            return
        self._choose_plan()

    def _choose_plan(self) -> None:
        chosen, is_all = self._chosen()
        plan = self._plan(chosen)
        self.order = plan.order
        answered = [one for one in chosen if one.is_answered(plan.answered)]
        source = self.root_queryset
        for one in answered:
            source = source.filter(one.condition)
        self.source = source
        self.is_source_complete = is_all and len(answered) == len(chosen)

    def _chosen(self) -> tuple[list[Chosen], bool]:
        """Return what the filters keep, and whether that is all that they keep."""
        used = [lookups_of(spec) for spec in self.filter_specs if spec.used_parameters]
        found = [
            None if one is None else chosen_by(self.model, one) for one in [*used, *_one_by_one(self.links)]
        ]
        chosen = [one for one in found if one is not None]
        return chosen, len(chosen) == len(found)

    def _plan(self, chosen: Sequence[Chosen]) -> Plan:
        """Return the index to read: the one that answers order and filters best.

        Where several filters have an index each, and none answers them all, it is the one that few rows match; else
        the one of the range.
        """
        equal = {column for one in chosen for column in one.equal}
        ranges = {column for one in chosen for column in one.ranges}
        plan = plan_for(self.model, self.order, equal=equal, ranges=ranges)
        if self.is_order_chosen or all(one.is_answered(plan.answered) for one in chosen):
            return plan
        others = plans_in_own_order(self.model, self.order, equal=equal, ranges=ranges)
        plans = [*([plan] if plan.answered else []), *others]
        for one in plans:
            if all(each.is_answered(one.answered) for each in chosen) or self._matches_few(one, chosen):
                return one
        with_range = [one for one in plans if one.answered & ranges]
        return [*with_range, *plans, plan][0]

    def _matches_few(self, plan: Plan, chosen: Sequence[Chosen]) -> bool:
        source = self.root_queryset
        for one in chosen:
            if one.is_answered(plan.answered):
                source = source.filter(one.condition)
        return _capped_count(source, MOST_EXAMINED) <= MOST_EXAMINED

    def _collect(self, order: Order, start: Position | None) -> Found:
        """Read positions from a start on until a page is full, the source ends, or enough was examined."""
        found, examined, wanted = Found(reached=start), 0, self.list_per_page + 1
        has_checks = bool(self.checks) or not self.is_source_complete
        most, at_once = (
            (MOST_PREPARED, PREPARED_AT_ONCE) if self.checks else (MOST_EXAMINED, EXAMINED_AT_ONCE)
        )
        size = at_once if has_checks else wanted
        while len(found.positions) < wanted and examined < most and not found.is_end:
            read = self._positions(order, found.reached, size)
            found.positions += self._checked(read) if has_checks else read
            examined += len(read)
            found.is_end = len(read) < size
            found.reached = read[-1] if read else found.reached
        if len(found.positions) > self.list_per_page:
            found.positions = found.positions[: self.list_per_page]
            found.reached, found.is_end = found.positions[-1], False
        return found

    def _positions(self, order: Order, start: Position | None, limit: int) -> list[Position]:
        columns = [name.removeprefix("-") for name in order]
        key = key_of(self.model)
        rows = self.source.order_by(*order).values_list(*columns, *([] if key in columns else [key]))
        if start is not None:
            place = start[: len(order)]
            rows = rows.filter(beyond(order, place, nullable=_nullable(self.model)))
            rows = rows.order_by(*order_beyond(order, place))
        return list(rows[:limit])

    def _checked(self, positions: Sequence[Position]) -> list[Position]:
        """Return those whose row passes every filter."""
        keys = [position[-1] for position in positions]
        if not self.is_source_complete:
            kept = cast(QuerySet[Any], self.queryset).order_by().filter(pk__in=keys)
            keys = list(kept.values_list("pk", flat=True))
        rows: Sequence[Any] = self._rows(keys) if self.checks and keys else ()
        for check in self.checks:
            rows = list(check(rows))
        passed = {row.pk for row in rows} if self.checks else set(keys)
        return [position for position in positions if position[-1] in passed]

    def _rows(self, keys: Sequence[Any]) -> list[Any]:
        """Return the rows with these keys, in this order, prepared to be shown."""
        queryset = self.apply_select_related(self.root_queryset.order_by())
        by_key = {row.pk: row for row in queryset.filter(pk__in=keys)} if keys else {}
        rows = [by_key[key] for key in keys if key in by_key]
        cast(Any, self.model_admin).prepare(rows)
        return rows

    def _count(self, found: Found, start: Position | None) -> int | None:
        """Return how many rows there are, at most one more than `MOST_COUNTED`; None where that would need a scan."""
        if start is None and found.is_end:
            return len(found.positions)
        if self.checks or not self.is_source_complete:
            return None
        return _capped_count(self.source, MOST_COUNTED)

    @property
    def is_cut(self) -> bool:
        """Whether the search or a filter finds more rows than the newest that the list looks through."""
        return self._is_search_cut or any(getattr(one, "is_cut", False) for one in self.filter_specs)

    @property
    def most_found(self) -> str:
        return show_number(MOST_FOUND)

    @property
    def is_count_capped(self) -> bool:
        """Whether there are more rows than were counted, or than the list looks through."""
        most = MOST_FOUND - 1 if self.is_cut else MOST_COUNTED
        return self.count is not None and self.count > most

    @property
    def counted_at_most(self) -> str:
        """Return the number that a capped count exceeds."""
        return show_number(MOST_FOUND if self.is_cut else MOST_COUNTED)

    # Links to other pages

    @property
    def _salt(self) -> str:
        return f"{self.opts.label_lower} {','.join(self.order)}"

    def _start(self, name: str) -> Position | None:
        """Return where the page starts; from the beginning for a cursor of another list or order."""
        try:
            return read_cursor(self.given[name], salt=self._salt) if name in self.given else None
        except BadSignature:
            self.given = {}
            return None

    def _link(self, found: Found, start: Position | None, ahead: str, back: str) -> None:
        """Link the pages ahead, in the direction in which this one was read, and back."""
        positions, more = found.positions, not found.is_end
        self.is_unfinished = more and len(positions) < self.list_per_page
        urls = {ahead: self._url(ahead, found.reached) if more else "", back: ""}
        if start is not None:
            urls[back] = self._url(back, positions[0] if positions else start)
        self.next_url, self.previous_url = urls[AFTER], urls[BEFORE]
        self.first_url = self.get_query_string() if start is not None else ""

    def _url(self, name: str, position: Position | None) -> str:
        query = self.get_query_string()
        cursor = urlencode({name: write_cursor(position or (), salt=self._salt)})
        return f"{query}{'&' if query != '?' else ''}{cursor}"


def _in_one_direction(model: type[Model], names: Sequence[str]) -> Order:
    sign = "-" if names[0].startswith("-") else ""
    columns = tuple(_attname(model, name.removeprefix("-")) for name in names)
    return tuple(f"{sign}{column}" for column in total_order(model, columns))


def _attname(model: type[Model], name: str) -> str:
    if name == "pk":
        return key_of(model)
    return name if "__" in name else str(cast(Any, model._meta.get_field(name)).attname)


def _nullable(model: type[Model]) -> set[str]:
    return {one.attname for one in model._meta.concrete_fields if one.null}


def _one_by_one(lookups: dict[str, Any]) -> list[dict[str, Any]]:
    return [{lookup: value} for lookup, value in lookups.items()]


def _capped_count(queryset: QuerySet[Any], most: int) -> int:
    """Count rows, at most one more than `most`."""
    return queryset.order_by().values("pk")[: most + 1].count()


def sortable(model: type[Model], columns: Iterable[Any], ordering_of: Callable[[Any], Any]) -> list[Any]:
    """Return the columns of a list by which it may be sorted, because an index answers that."""
    return [column for column in columns if _is_sortable(model, ordering_of(column))]


def _is_sortable(model: type[Model], name: Any) -> bool:
    names = {one.name for one in model._meta.concrete_fields}
    return name in names and sort_by(model, _attname(model, name)) is not None


def found_by(queryset: QuerySet[Any], name: str, term: str) -> tuple[list[Any], bool]:
    """Return the keys of rows that one field of a search finds by an index, and whether there are more.

    They are the newest `MOST_FOUND`. A field of another model is looked up there first, so that no query joins both
    with an OR.
    """
    head, _, rest = name.partition("__")
    if not rest:
        keys = _newest(queryset, head, term)
        return keys[:MOST_FOUND], len(keys) > MOST_FOUND
    related: Any = queryset.model._meta.get_field(head).related_model
    others = _keys(related._base_manager.filter(**{rest: term}))
    keys = [key for one in others[:MOST_FOUND] for key in _newest(queryset, head, one)]
    is_cut = len(keys) > MOST_FOUND or len(others) > MOST_FOUND
    return sorted(keys, reverse=True)[:MOST_FOUND], is_cut


def _newest(queryset: QuerySet[Any], name: str, value: Any) -> list[Any]:
    model = queryset.model
    rows = queryset.order_by().filter(**known_before(model, name), **{name: value})
    plans = plans_in_own_order(model, ("-pk",), equal={_attname_or_none(model, name)}, ranges=())
    return _keys(rows.order_by(*plans[0].order) if plans else rows)


def _keys(queryset: QuerySet[Any]) -> list[Any]:
    return list(queryset.values_list("pk", flat=True)[: MOST_FOUND + 1])


def _attname_or_none(model: type[Model], name: str) -> str:
    """Return the column of a name, or the name itself where other models' rows point here."""
    return name if name != "pk" and model._meta.get_field(name).one_to_many else _attname(model, name)
