"""Payments are in flight, held by their payees, while the paying node is killed and started again."""

from __future__ import annotations

import pytest

from tests.crash.payouts import MSAT, NET_SATS
from tests.live_lnd.engine.engine import PATIENCE_SECONDS, Engine
from tests.live_lnd.polling import eventually
from transfers.enums import AnswerKind
from transfers.models import ProviderAnswer

pytestmark = [pytest.mark.lnd, pytest.mark.mariadb]

HELD, SETTLED = 24, 16


def test_held_payments_end_as_the_payees_decide_after_the_node_was_killed(engine: Engine) -> None:
    held = [engine.wallets.hold_invoice(NET_SATS * MSAT) for _ in range(HELD)]
    orders = [engine.payout(f"held-{number}", invoice) for number, invoice in enumerate(held)]
    steady = engine.workers.start_steady()
    engine.wait_until_held(held)
    assert {payment["status"] for payment in engine.new_record()} == {"IN_FLIGHT"}

    engine.network.platform.kill()
    unanswered = ProviderAnswer.objects.filter(kind=AnswerKind.UNAVAILABLE)
    eventually(lambda: unanswered.count() >= HELD, within_seconds=PATIENCE_SECONDS)
    engine.start_platform()

    for invoice in held[:SETTLED]:
        engine.wallets.settle(invoice)
    for invoice in held[SETTLED:]:
        engine.wallets.cancel(invoice)
    engine.wait_for("completed", orders[:SETTLED])
    engine.wait_for("failed", orders[SETTLED:])
    engine.workers.stop(steady)

    ends = [[(one.state, one.outcome) for one in engine.attempts(order)] for order in orders[SETTLED:]]
    assert ends == [[("failed", "incorrect-payment-details")]] * (HELD - SETTLED)
    record = [(one["status"], one["failure_reason"]) for one in engine.new_record()]
    assert sorted(record) == [
        *[("FAILED", "FAILURE_REASON_INCORRECT_PAYMENT_DETAILS")] * (HELD - SETTLED),
        *[("SUCCEEDED", "FAILURE_REASON_NONE")] * SETTLED,
    ]
    engine.require_agreement()
