"""The engine's lines of the trail: without one, attempt, books and state are as they were before its answer came."""

from typing import Any

import pytest
from django.db import connection

from fees.models import FeeRecord
from ledger.models import JournalEntry, JournalTransaction
from sunusav.core.models import OutboxMessage, TrailEntry
from tests.support.triggers import refusing_inserts
from tests.transfers.builders import NOW, ordered, run
from tests.transfers.rails import SteeredRail, Watch
from tests.transfers.resolution_cases import SEEN
from transfers.enums import FailureClass
from transfers.models import Attempt, Disbursement, PaymentOrder
from transfers.types import Refused, SendOutcome

pytestmark = pytest.mark.django_db(transaction=True)

OUTCOMES: dict[str, list[SendOutcome]] = {
    "paid": [],
    "refused": [Refused("incorrect-payment-details", FailureClass.FINAL)],
    "retried": [Refused("no-route", FailureClass.RETRY)],
    "reviewed": [Refused("strange", FailureClass.REVIEW)],
    "seen": [SEEN],
}
BOOKS = (JournalTransaction, JournalEntry, FeeRecord, Attempt, PaymentOrder, OutboxMessage)


def rows() -> dict[str, list[Any]]:
    found = {model.__name__: list(model._default_manager.order_by("pk").values()) for model in BOOKS}
    return {**found, "states": list(Disbursement.objects.order_by("pk").values_list("pk", "state"))}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_answer_whose_trail_line_cannot_be_written_changes_nothing(
    node: SteeredRail, watch: Watch, outcome: str
) -> None:
    for action in lines_after_sending(node, watch, outcome):
        ordered(f"winner-{action}", at=watch())
        node.script.extend(OUTCOMES[outcome])
        refused = refusing_inserts(connection, "core_trailentry", when=f"NEW.action = '{action}'")
        before: list[Any] = []

        def refuse(refused: Any = refused, before: list[Any] = before) -> None:
            before.append(rows())
            refused.__enter__()

        node.meanwhile["send"] = refuse
        run(watch)
        refused.__exit__(None, None, None)

        assert [rows()] == before, action
        Disbursement.objects.update(due_at=NOW.replace(year=2099), claimed_by="")


def lines_after_sending(node: SteeredRail, watch: Watch, outcome: str) -> list[str]:
    """Make one payment; return the actions of the lines that its answer added."""
    ordered("first", at=watch())
    node.script.extend(OUTCOMES[outcome])
    last: list[int] = []
    node.meanwhile["send"] = lambda: last.append(TrailEntry.objects.latest("pk").pk)
    run(watch)
    Disbursement.objects.exclude(due_at=None).update(due_at=NOW.replace(year=2099), claimed_by="")
    actions = TrailEntry.objects.filter(pk__gt=last[0]).values_list("action", flat=True)
    assert actions
    return sorted(set(actions))


def test_attempt_whose_trail_line_cannot_be_written_is_not_sent(node: SteeredRail, watch: Watch) -> None:
    ordered()
    before = rows()

    with refusing_inserts(connection, "core_trailentry", when="NEW.action = 'open_attempt'"):
        run(watch)

    assert (rows(), node.sends) == (before, 0)
