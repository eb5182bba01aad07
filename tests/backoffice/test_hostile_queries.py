"""Whatever a person puts into the URL of a list, it answers with a page, a redirect or a refusal, never with a 500."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import FieldDoesNotExist, SuspiciousOperation
from django.test import Client

from sunusav.backoffice.filters import parameters_of
from sunusav.backoffice.list_exports import _request
from sunusav.backoffice.lists import AFTER, BEFORE
from sunusav.core.roles import Role
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World, person

pytestmark = pytest.mark.django_db

LOOKUPS = ("", "__exact", "__in", "__isnull", "__gte", "__lte", "__year", "__id__exact", "_from", "_to")
OF_EVERY_LIST = ("q", "o", "p", AFTER, BEFORE, "_to_field")
VALUES = (
    "", " ", "-1", "0", "x", "9" * 30, "-" + "9" * 30, "9" * 5_000, "x" * 5_000, "a\x00b", "\u0661\u0662", "\u00b2",
    "\ufffd", "nan", "1.5", "-.-", "1,2", "[1]", "2026-02-30", "9999-12-31", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
)  # fmt: skip
LIST, EXPORT = "/admin/transfers/disbursement/", "/admin/core/export/new/transfers.disbursement/"


def _crafted() -> Iterator[tuple[Any, str]]:
    """Yield parameters of lists: each lookup once for each kind of column and of filter, on whichever list has it."""
    seen: set[tuple[str, str]] = set()
    for model, model_admin in admin.site._registry.items():
        offered = [*parameters_of(model_admin.list_filter or ()), *getattr(model_admin, "links", ()), "id"]
        for name in dict.fromkeys(offered):
            for lookup in LOOKUPS:
                key = (_kind(model, name), lookup)
                if key not in seen:
                    seen.add(key)
                    yield model, f"{name}{lookup}"


def _kind(model: Any, name: str) -> str:
    head, _, rest = name.partition("__")
    try:
        field = model._meta.get_field(head)
    except FieldDoesNotExist:
        return f"{model._meta.label}.{name}"  # a filter of its own
    return f"{type(field).__name__} {rest}"


def _faults(read: Callable[[str], Any]) -> Iterator[str]:
    """Read a list with each value; yield what would be answered with a 500."""
    for value in VALUES:
        try:
            read(value)
        except (IncorrectLookupParameters, SuspiciousOperation):
            pass  # answered with the unfiltered list, or with 400
        except Exception as error:  # noqa: BLE001  (whatever it is)
            yield f"{value[:30]!r}: {type(error).__name__} {str(error)[:80]}"


def test_no_parameter_of_a_list_is_an_error_of_ours(db: None) -> None:
    user = person("director", None, is_superuser=True)
    found = {}
    for model, name in _crafted():
        model_admin: Any = admin.site._registry[model]

        def read(value: str, model_admin: Any = model_admin, name: str = name) -> None:
            request = _request(user, {name: [value]})
            shown = model_admin.get_changelist_instance(request)
            for spec in shown.filter_specs:
                list(spec.choices(shown))

        found[f"{model._meta.label} {name}"] = list(_faults(read))

    assert {name: faults for name, faults in found.items() if faults} == {}


def test_no_parameter_of_every_list_is_an_error_of_ours(world: World, enter: Enter) -> None:
    client = enter(Role.AUDITOR)
    pages = [(url, name) for name in OF_EVERY_LIST for url in (LIST, EXPORT)]
    for url, name in [*pages, ("/admin/payouts/member/credits/", "page")]:
        assert list(_faults(_asking(client, url, name))) == [], (url, name)


def _asking(client: Client, url: str, name: str) -> Callable[[str], None]:
    def ask(value: str) -> None:
        assert client.get(url, {name: value}).status_code in {200, 302, 400, 404}

    return ask


def test_no_posted_filter_is_an_error_of_ours(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)
    for value in VALUES:
        for name in ("requested_at__gte", "requested_at__year", "o"):
            sent = {"name": value or "x", "query": f"{name}={value}"}
            assert client.post(f"{LIST}filters/", sent, follow=True).status_code in {200, 400}
