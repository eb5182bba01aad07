"""The pages of an admin's list that people open: first, next, sorted, filtered, searched; and the page of one row."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any
from urllib.parse import quote

from django.contrib import admin
from django.contrib.admin.templatetags.admin_list import results
from django.test import Client, RequestFactory
from django.urls import reverse

from sunusav.backoffice.filters import RangeFilter
from sunusav.backoffice.inbox import COUNTED_AT_MOST
from sunusav.backoffice.lists import MOST_COUNTED
from tests.support.reads import Reads

# What a page may do: run queries, read rows, read rows of up to 2,000 that it examines, and count. A row's page has
# sections, and the first page of who may see everything has every item of the inbox and every chart.
QUERIES, QUERIES_OF_A_ROW, QUERIES_OF_THE_FIRST_PAGE = 40, 60, 80
ROWS, ROWS_EXAMINED, ROWS_OF_THE_FIRST_PAGE = 2_000, 12_000, 4_000
# A row that is counted is read twice; the banner of a pause counts up to 1,001, with the attempts of each.
COUNTED = 2 * (MOST_COUNTED + 10) + 5 * COUNTED_AT_MOST
CHOICES_OF_A_FILTER = 4
LONG_AGO, SMALL_AMOUNT = "2020-01-01", "1"
# The URL of a page would contain the digest of a secret.
WITHOUT_PAGES = {"knox.authtoken"}


@dataclass(frozen=True)
class Page:
    """A page of the back office: of a list, or of one row."""

    what: str
    model: Any
    url: str
    is_list: bool = True
    # Whether it looks through rows for filters that no index answers.
    examines: bool = False

    def open(self, client: Client, user: Any) -> None:
        """Read what the page shows: of a list all cells, without the frame of the site; of a row the whole page."""
        if self.is_list:
            show(changelist_of(self, user))
        else:
            assert client.get(self.url).status_code == 200, self.url

    def is_over_budget(self, reads: Reads) -> bool:
        """Return whether opening it took more than any page may."""
        return is_over(
            reads,
            rows=ROWS_EXAMINED if self.examines else ROWS,
            queries=QUERIES if self.is_list else QUERIES_OF_A_ROW,
        )


def is_over(reads: Reads, *, rows: int = ROWS, queries: int = QUERIES) -> bool:
    return reads.queries > queries or reads.rows > rows or reads.counted > COUNTED


def show(changelist: Any) -> None:
    """Show all cells, without the frame of the site."""
    changelist.formset = None
    list(results(changelist))


def changelist_of(page: Page, user: Any) -> Any:
    request = RequestFactory().get(page.url)
    request.user = user
    model_admin = admin.site._registry[page.model]
    return model_admin.get_changelist_instance(request)


def pages_of(user: Any, model: Any) -> Iterator[Page]:
    """Yield the pages of a model."""
    label = model._meta.label_lower
    name = f"admin:{label.replace('.', '_')}"
    first = Page(f"{model._meta.label} first", model, reverse(f"{name}_changelist"))
    changelist = changelist_of(first, user)
    others = [*_sorted(changelist), *_filtered(changelist), *_searched(changelist)]
    for page in [
        first,
        *(Page(f"{model._meta.label} {what}", model, first.url + query) for what, query in others),
    ]:
        opened = changelist_of(page, user)
        examines = bool(opened.checks) or not opened.is_source_complete
        yield replace(page, examines=examines)
        if opened.next_url:
            yield Page(f"{page.what}, next", model, first.url + opened.next_url, examines=examines)
    if changelist.result_list and label not in WITHOUT_PAGES:
        row = model._default_manager.order_by("pk").first()
        yield Page(f"{model._meta.label} row", model, reverse(f"{name}_change", args=[row.pk]), is_list=False)


def _sorted(changelist: Any) -> Iterator[tuple[str, str]]:
    for number, column in enumerate(changelist.list_display):
        if column in changelist.sortable_by:
            for sign in ("", "-"):
                yield f"sort {sign}{getattr(column, '__name__', column)}", f"?o={sign}{number}"


def _filtered(changelist: Any) -> Iterator[tuple[str, str]]:
    combined = {}
    for spec in changelist.filter_specs:
        if isinstance(spec, RangeFilter):
            name = spec.inputs[0][0]
            combined[name] = LONG_AGO if spec.input_type == "date" else SMALL_AMOUNT
            yield f"filter {name}", f"?{name}={combined[name]}"
            yield f"filter {name}, none", f"?{name}={'2999-01-01' if spec.input_type == 'date' else 10**12}"
            continue
        choices = [one for one in spec.choices(changelist) if not one.get("selected")]
        for choice in islice(choices, CHOICES_OF_A_FILTER):
            yield f"filter {spec.title}: {choice['display']}", choice["query_string"]
    if len(changelist.filter_specs) > 1 and combined:
        ranges = "&".join(f"{name}={value}" for name, value in combined.items())
        yield "filters together", f"?{ranges}"
        for choice in islice(_first_choices(changelist), CHOICES_OF_A_FILTER):
            yield f"filters together: {choice['display']}", f"{choice['query_string']}&{ranges}"


def _first_choices(changelist: Any) -> Iterator[Any]:
    for spec in changelist.filter_specs:
        if not isinstance(spec, RangeFilter):
            yield from islice((one for one in spec.choices(changelist) if not one.get("selected")), 2)


def _searched(changelist: Any) -> Iterator[tuple[str, str]]:
    if not changelist.search_fields or not changelist.result_list:
        return
    row = changelist.result_list[-1]
    for name in changelist.search_fields:
        if term := _value(row, name):
            yield f"search {name}", f"?q={quote(str(term))}"
    yield "search nothing", "?q=nothing-has-this-name"


def _value(row: Any, path: str) -> Any:
    for name in path.split("__"):
        row = getattr(row, name, None)
        if hasattr(row, "first"):
            row = row.first()
    return row


def models_of_the_admin() -> list[Any]:
    return sorted(admin.site._registry, key=lambda model: model._meta.label)
