"""The review queue."""

import pytest

from tests.transfers.builders import BY, ordered, run
from tests.transfers.rails import SteeredRail, Watch
from tests.transfers.resolution_cases import Case
from transfers.enums import FailureClass
from transfers.queries import review_queue, under_review_since
from transfers.services.disbursements import retry_disbursement
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


@pytest.mark.django_db
def test_payment_reviewed_twice_has_waited_since_its_newest_review(node: SteeredRail, watch: Watch) -> None:
    node.script.extend([Refused("error", FailureClass.REVIEW)] * 2)
    twice = ordered("khady", at=watch())
    run(watch)
    watch.advance(3_600)
    node.script.appendleft(Refused("error", FailureClass.REVIEW))
    once = ordered("moussa", at=watch())
    run(watch)
    between = watch()
    watch.advance(3_600)
    node.refused.clear()
    retry_disbursement(disbursement_id=twice, actor=BY, reason="the winner gave another invoice", now=watch())
    run(watch)

    assert [(one.disbursement_id, one.since) for one in review_queue()] == [(once, between), (twice, watch())]
    assert under_review_since(twice) == watch()
