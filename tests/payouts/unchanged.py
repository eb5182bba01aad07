"""Check that a refusal changed nothing in books, fees, disbursements, cycles and trail, row by row."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fees.models import DiscountGrant, FeeAssessment, FeeRecord
from ledger.models import JournalEntry, JournalTransaction
from payouts.models import Contribution, Cycle, Group, Member
from sunusav.core.models import Proposal, TrailEntry
from transfers.models import Attempt, Collection, Disbursement, PaymentOrder

WATCHED = (
    Group, Member, Cycle, Contribution, Collection, Disbursement, PaymentOrder, Attempt, FeeAssessment, FeeRecord,
    DiscountGrant, JournalTransaction, JournalEntry, Proposal, TrailEntry,
)  # fmt: skip


@contextmanager
def nothing_changes() -> Iterator[None]:
    before = _rows()
    yield
    assert _rows() == before


def _rows() -> dict[str, list[Any]]:
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in WATCHED}
