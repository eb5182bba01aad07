"""Every refusal of this room has its page, and every fact it carries is explained there."""

from __future__ import annotations

import pytest

from lightning import errors
from sunusav.api.problem_pages import page_of, problem_pages
from sunusav.core.errors import Invalid

REFUSALS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and kind.__module__ == errors.__name__
]


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.code)
def test_every_refusal_has_a_page_that_says_what_to_do(kind: type[Invalid]) -> None:
    assert kind.code in problem_pages()
    page = page_of(kind.code)
    assert page.title
    assert page.next.endswith(".")


def test_refusals_are_seventeen() -> None:
    assert len(REFUSALS) == 17
