"""The OpenAPI document describes every method of the API, and is built without a warning."""

import pytest
from drf_spectacular.drainage import GENERATOR_STATS

from sunusav.api.documentation import openapi_document
from tests.architecture.access_table import ACCESS, PUBLIC
from tests.architecture.openapi import DESCRIBED, described_path


def test_document_is_built_without_a_warning() -> None:
    openapi_document.cache_clear()
    GENERATOR_STATS.reset()
    openapi_document()
    assert sorted({**GENERATOR_STATS._error_cache, **GENERATOR_STATS._warn_cache}) == []


def test_document_has_the_routes_of_the_access_table() -> None:
    assert sorted(openapi_document()["paths"]) == sorted(described_path(route) for route in DESCRIBED)


@pytest.mark.parametrize("route", DESCRIBED)
def test_each_method_is_described_with_its_refusals(route: str) -> None:
    described = openapi_document()["paths"][described_path(route)]
    assert {method.upper() for method in described} == set(ACCESS[route])
    for method, operation in described.items():
        assert operation["summary"], method
        is_public = ACCESS[route][method.upper()] is PUBLIC
        assert ("security" in operation) is not is_public
        if not is_public:
            assert {"401", "403"} <= set(operation["responses"])
