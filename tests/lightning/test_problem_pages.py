"""Every refusal of this room has its page, and every fact it carries is explained there."""

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
def test_every_refusal_has_a_page_that_says_what_to_do(kind: type[Invalid]) -> None:
    assert kind.code in problem_pages()
    page = page_of(kind.code)
    assert page.title
    assert page.next.endswith(".")


def test_refusals_are_seventeen() -> None:
    assert len(REFUSALS) == 17


def test_page_of_unreadable_invoices_explains_every_reason_of_the_codec() -> None:
    page = (ROOT / "lightning" / "problem_docs" / f"{InvoiceUnreadable.code}.md").read_text()
    reasons = {kind().reason for kind in Bolt11Error.__subclasses__()} - {DraftInvalid().reason}
    assert len(reasons) == 28
    assert sorted(reason for reason in reasons if f"`{reason}`" not in page) == []
