"""Every refusal of this app has its problem page, which explains each of its facts."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightning import errors
from lightning.bolt11 import Bolt11Error
from lightning.bolt11.errors import DraftInvalid
from lightning.errors import InvoiceUnreadable
from sunusav.api.problem_pages import page_of, problem_pages
from sunusav.core.errors import Invalid

ROOT = Path(__file__).parents[2]
REFUSALS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and kind.__module__ == errors.__name__
]


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.code)
def test_problem_page_of_every_refusal_explains_its_facts(kind: type[Invalid]) -> None:
    assert kind.code in problem_pages()
    page = page_of(kind.code)
    assert page.title
    assert page.next.endswith(".")


def test_refusals_are_complete() -> None:
    assert len(REFUSALS) == 17


def test_problem_page_of_invoice_unreadable_explains_every_reason() -> None:
    page = (ROOT / "lightning" / "problem_docs" / f"{InvoiceUnreadable.code}.md").read_text()
    reasons = {kind().reason for kind in Bolt11Error.__subclasses__()} - {DraftInvalid().reason}
    assert len(reasons) == 28
    assert sorted(reason for reason in reasons if f"`{reason}`" not in page) == []
