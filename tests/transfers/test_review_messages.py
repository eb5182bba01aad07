"""Messages about a payment under review; and the review queue."""

import pytest

from tests.transfers.builders import ordered, run
from tests.transfers.rails import SteeredRail, Watch
from tests.transfers.resolution_cases import Case
from transfers.calculations import HAPPENED, WAITS_FOR_OUTCOME, WAITS_FOR_PERSON, review_message
from transfers.enums import FailureClass
from transfers.queries import review_queue, under_review_since
from transfers.types import Refused


@pytest.mark.parametrize("code", sorted(HAPPENED))
def test_review_message_has_what_happened_and_what_it_waits_for(code: str) -> None:
    assert review_message(code, "text", is_open=True) == f"{HAPPENED[code]} {WAITS_FOR_OUTCOME}"
    assert review_message(code, "text", is_open=False) == f"{HAPPENED[code]} {WAITS_FOR_PERSON}"


@pytest.mark.parametrize(
    ("code", "message", "text"),
    [
        ("no-route", "no route to her", "no route to her"),
        ("no-route", "", "no-route"),
        ("", "", "no reason known"),
    ],
)
def test_review_message_of_a_refusal_contains_it(code: str, message: str, text: str) -> None:
    assert review_message(code, message, is_open=False) == f"It was not paid ({text}). {WAITS_FOR_PERSON}"


@pytest.mark.django_db
def test_review_queue_has_the_longest_waiting_first(node: SteeredRail, watch: Watch) -> None:
    vanished = Case(node, watch)
    entered = watch()
    watch.advance(60)
    node.script.append(Refused("error", FailureClass.REVIEW))
    other = ordered("khady", at=watch())
    run(watch)

    queue = review_queue()

    assert [(one.disbursement_id, one.code, one.since) for one in queue] == [
        (vanished.id, "payment-vanished", entered),
        (other, "error", watch()),
    ]
    assert under_review_since(vanished.id) == entered
    assert under_review_since(ordered("moussa")) is None
