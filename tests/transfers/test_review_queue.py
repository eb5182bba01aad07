"""The review queue."""

import pytest

from tests.transfers.builders import ordered, run
from tests.transfers.rails import SteeredRail, Watch
from tests.transfers.resolution_cases import Case
from transfers.enums import FailureClass
from transfers.queries import review_queue, under_review_since
from transfers.types import Refused


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
