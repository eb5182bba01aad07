"""The pages and answers beside the lists of the admin: whole pages of the back office, its search, and the API's reads.

All are found by themselves: the areas of the menu, the pages of the menu, every GET of the API.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from rest_framework.test import APIClient

from fees.models import FeeRecord
from partners.models import Settlement
from payouts.models import Contribution, Cycle, Group, Member, Refund
from sunusav.api.endpoints import Endpoint
from sunusav.backoffice.navigation import Area, PageEntry, entries
from tests.support.list_pages import (
    QUERIES,
    QUERIES_OF_THE_FIRST_PAGE,
    ROWS,
    ROWS_OF_THE_FIRST_PAGE,
    is_over,
)
from tests.support.reads import Reads
from transfers.models import Disbursement, PaymentOrder

API = "monetization/"
# What a list of the API takes beside its filters.
LARGEST_PAGE = "page_size=100"
MORE_FOR_THE_FIRST_PAGE: Any = {"queries": QUERIES_OF_THE_FIRST_PAGE, "rows": ROWS_OF_THE_FIRST_PAGE}


@dataclass(frozen=True)
class Fetched:
    """A page or an answer as a client fetches it: by GET, or by POST where it sends something."""

    what: str
    url: str
    client: Any
    sent: Mapping[str, str] = field(default_factory=dict)
    queries: int = QUERIES
    rows: int = ROWS
    examines: bool = False

    def open(self, client: Any, user: Any) -> None:
        """Fetch it, with the client that it was found for."""
        fetch: Callable[..., Any] = self.client.post if self.sent else self.client.get
        answer = fetch(self.url, self.sent or None)
        assert answer.status_code in {200, 302}, (self.url, answer.status_code, answer.content[:300])

    def is_over_budget(self, reads: Reads) -> bool:
        return is_over(reads, queries=self.queries, rows=self.rows)


def menu_pages(client: Client) -> Iterator[Fetched]:
    """Yield the first page, and the areas and pages of the menu."""
    for area in Area:
        yield Fetched(f"area {area.slug}", reverse("admin:area", args=[area.slug]), client)
    for entry in entries():
        if isinstance(entry, PageEntry):
            page = Fetched(f"page {entry.url_name}", reverse(entry.url_name), client)
            yield replace(page, **MORE_FOR_THE_FIRST_PAGE) if entry.url_name == "admin:index" else page


def whole_lists(client: Client) -> Iterator[Fetched]:
    """Yield the first page of every list with the frame of the site."""
    for model in admin.site._registry:
        name = model._meta.label_lower.replace(".", "_")
        yield Fetched(f"{model._meta.label} whole page", reverse(f"admin:{name}_changelist"), client)


def searches(client: Client) -> Iterator[Fetched]:
    """Yield what people type into the one search box: names that all share, identifiers, numbers, nothing known."""
    terms = {
        "name of everybody": "Awa Ndiaye", "first name of everybody": "Awa Rarissime",
        "phone of everybody": "+221771234567", "group": "Tontine",
        "identifier": _newest(Member).user_id, "cycle": _newest(Cycle).pk, "number": str(_newest(Disbursement).pk),
        "reference": _newest(PaymentOrder).reference, "nothing": "nothing-has-this-name",
    }  # fmt: skip
    for what, term in terms.items():
        yield Fetched(f"search {what}", reverse("admin:search"), client, {"text": term})


def answers(*clients: APIClient) -> Iterator[Fetched]:
    """Yield every GET of the API; of a list its first page, the next, the largest, and each of its filters.

    Each as the first of these clients that it answers.
    """
    for pattern, declared in _reads(get_resolver().url_patterns, ""):
        url = "/" + _filled(pattern)
        client = next((one for one in clients if one.get(url).status_code == HTTPStatus.OK), None)
        if client is None:
            continue  # such as the link of a cycle that has none
        yield Fetched(f"API {pattern}", url, client)
        if declared.is_read_by_pages:
            yield from _pages(pattern, url, client, declared)


def _pages(pattern: str, url: str, client: APIClient, declared: Endpoint) -> Iterator[Fetched]:
    queries = ["", *(f"{name}={value}&" for name, value in _filters(declared))]
    for query in queries:
        what = f"API {pattern} {query.rstrip('&')}".strip()
        yield Fetched(f"{what} largest", f"{url}?{query}{LARGEST_PAGE}", client)
        following = client.get(f"{url}?{query}page_size=1").json()["next"]
        if following:
            yield Fetched(f"{what} next", f"{following.replace('page_size=1', LARGEST_PAGE)}", client)


def _reads(patterns: Any, prefix: str) -> Iterator[tuple[str, Endpoint]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern).removeprefix("^").removesuffix("$")
        if not isinstance(pattern, URLPattern):
            yield from _reads(pattern.url_patterns, route)
        elif route.startswith(API) and (declared := _get_of(pattern.callback)):
            yield route, declared


def _get_of(callback: Any) -> Endpoint | None:
    view = getattr(callback, "cls", None)
    name = getattr(callback, "actions", {"get": "get"}).get("get", "") if view else ""
    declared: Endpoint | None = getattr(getattr(view, name, None), "endpoint", None) if name else None
    return declared


def _filters(declared: Endpoint) -> Iterator[tuple[str, str]]:
    values = {
        "country": ["SN"], "settlement_partner": ["wave"], "partner_name": ["wave"], "group_id": [_newest(Group).pk],
        "winner_user_id": [_newest(Cycle).winner_user_id], "cycle_id": [_newest(Cycle).pk],
        "status": ["completed", "failed", "scheduled"],
    }  # fmt: skip
    for name, declared_field in declared.query().get_fields().items() if declared.query else ():
        for value in values[name]:
            if value in getattr(declared_field, "choices", [value]):
                yield name, value


def _filled(route: str) -> str:
    """Return the route with the keys of rows: `<str:cycle_id>` becomes the newest cycle's."""
    contribution, refund = _newest(Contribution), _newest(Refund)
    values = {
        "<str:group_id>": _newest(Group).pk, "<str:partner>": "wave",
        "<str:cycle_id>": contribution.cycle_id, "<int:contribution_id>": str(contribution.pk),
        "<str:user_id>": refund.user_id, "<int:refund_id>": str(refund.pk),
        "<int:settlement_id>": str(_newest(Settlement).pk),
        "<int:payout_id>": _newest_paid().disbursement_ref.partition(":")[2],
    }  # fmt: skip
    for name, value in values.items():
        route = route.replace(name, value)
    assert "<" not in route, route
    return route


def _newest(model: type[Model]) -> Any:
    return model._default_manager.order_by("-pk")[0]


def _newest_paid() -> FeeRecord:
    """Return the last fee of a payment: tests also record fees without one."""
    return FeeRecord.objects.filter(disbursement_ref__startswith="disbursement:").order_by("-pk")[0]
