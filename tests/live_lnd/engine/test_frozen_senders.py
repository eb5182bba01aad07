"""Workers froze directly before they sent, and thaw when others have finished their payments: the node refuses them."""

from __future__ import annotations

import pytest

from sunusav.core import clock
from tests.live_lnd.engine.engine import Engine, latest_send, wait_until_time
from transfers.enums import AnswerKind
from transfers.models import ProviderAnswer

pytestmark = [pytest.mark.lnd, pytest.mark.mariadb]

EXPIRED = "not satisfied: macaroon has expired"


def require_too_late(answers: list[dict[str, str]], payment_hash: str) -> None:
    assert [(one["reference"], one["outcome"]) for one in answers] == [(payment_hash, "TooLate")]
    assert answers[0]["text"].endswith(EXPIRED)
    print(f"the node refused the thawed worker: {answers[0]['text']}")


def test_senders_thawed_late_are_refused_by_the_node_however_others_finished(engine: Engine) -> None:
    """Four workers freeze. One thaws alone; the payments of the others are paid, replaced and cancelled before."""
    same, alone, replaced, cancelled = orders = engine.payouts("frozen", 4)
    frozen = engine.workers.freeze(len(orders))
    sender = {order["id"]: engine.sender_of(order, frozen) for order in orders}
    first = {order["id"]: engine.attempts(order)[0] for order in orders}
    assert engine.new_record() == []
    wait_until_time(max(latest_send(attempt) for attempt in first.values()))

    # Nobody has done anything yet: the node stores nothing, and the worker stores its answer.
    answers = engine.workers.thaw(sender[alone["id"]])
    require_too_late(answers, alone["hash"])
    assert engine.new_record() == []
    stored = ProviderAnswer.objects.get(attempt=first[alone["id"]])
    assert (stored.kind, stored.evidence["text"]) == (AnswerKind.TOO_LATE, answers[0]["text"])

    # Another worker finds two not seen, and sends the same orders again.
    wait_until_time(engine.row(alone).due_at or clock.now())
    engine.workers.run(limit=2)
    engine.wait_for("completed", [same, alone])

    # The same with the other two, but it cannot pay them now. Then people may cancel, and order to another invoice.
    engine.stop_wallets()
    steady = engine.workers.start_steady()
    engine.wait_until_refused([replaced, cancelled])
    print(f"the node answered about a payee that is down: {engine.attempts(cancelled)[0].outcome}")
    engine.start_wallets()
    engine.cancel(cancelled)
    engine.cancel(replaced)
    again = engine.order_again(replaced)
    engine.wait_for("completed", [again])
    engine.workers.stop(steady)

    before = engine.new_record()
    for order in (same, replaced, cancelled):
        require_too_late(engine.workers.thaw(sender[order["id"]]), order["hash"])
    assert engine.new_record() == before
    paid = {name: engine.wallets.paid(order["hash"]).payments for name, order in {
        "same": same, "alone": alone, "replaced": replaced, "again": again, "cancelled": cancelled,
    }.items()}  # fmt: skip
    assert paid == {"same": 1, "alone": 1, "replaced": 0, "again": 1, "cancelled": 0}
    for order in (replaced, cancelled):
        assert engine.wallets.state_of(order["hash"]) == "OPEN", "it could have been paid"
    engine.require_agreement()
