"""The client tells a call that certainly did nothing from one that may have done what it asked for."""

import pytest

from tests.francs.client import AnswerLost, CallRefused, FrancClient, NotReached
from tests.francs.control import Control
from tests.francs.process import FrancProcess
from tests.francs.steps import Answer, Outcome

PAYOUT = {"reference": "r-1", "phone": "+221771234567", "amount": 983}


@pytest.fixture
def client(francs: FrancProcess) -> FrancClient:
    return FrancClient(timeout_seconds=2)


def test_provider_that_is_gone_or_closed_is_not_reached(francs: FrancProcess, client: FrancClient) -> None:
    francs.control.set(is_closed=True)
    with pytest.raises(NotReached, match="closed"):
        client.post("payouts", **PAYOUT)
    francs.kill()
    with pytest.raises(NotReached, match="ConnectionError"):
        client.post("payouts", **PAYOUT)
    francs.start()
    assert francs.control.paid() == []


@pytest.mark.parametrize("answer", [Answer.LOST, Answer.ERROR])
def test_answer_that_was_lost_says_nothing(francs: FrancProcess, client: FrancClient, answer: Answer) -> None:
    for outcome, payments in ((Outcome.NOTHING, 0), (Outcome.DO, 1)):
        francs.control.script("pay_out", outcome=outcome, answer=answer)
        with pytest.raises(AnswerLost):
            client.post("payouts", **PAYOUT)
        assert len(francs.control.paid()) == payments


def test_silent_provider_says_nothing(francs: FrancProcess, client: FrancClient) -> None:
    francs.freeze()
    with pytest.raises(AnswerLost, match="ReadTimeout"):
        client.post("payouts", **PAYOUT)
    francs.thaw()


def test_refused_call_has_its_code(francs: FrancProcess, client: FrancClient) -> None:
    control: Control = francs.control

    with pytest.raises(CallRefused) as refusal:
        client.get("payouts/r-1")

    assert (refusal.value.code, refusal.value.answer["account"]) == ("not_found", "franc-1")
    assert control.calls("find_payout") == 1
