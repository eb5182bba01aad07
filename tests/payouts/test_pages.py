"""Every refusal of this app has a documentation page whose example has exactly its facts."""

import json

import pytest

from payouts import errors
from sunusav.api.problem_pages import problem_pages
from sunusav.api.problems import status_of
from sunusav.core.errors import DomainError

REFUSALS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, DomainError) and kind.__module__ == errors.__name__
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_page_shows_the_answer(refusal: type[DomainError]) -> None:
    page = problem_pages()[refusal.code]
    shown = json.loads(page.prose.partition("```json")[2].partition("```")[0])

    assert (shown["code"], shown["status"]) == (refusal.code, status_of(refusal))
    assert (shown["title"], shown["next"]) == (page.title, page.next)
    fixed = {"type", "code", "title", "status", "next", "request_id"}
    assert set(shown) - fixed == refusal.fact_names()
