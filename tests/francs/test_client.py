"""The client tells a call that certainly did nothing from one that may have done what it asked for."""

from typing import Any

import pytest

from partners.config import NotConfigured
from partners.wire import AnswerLost, NotReached
from tests.francs.client import CallRefused, FrancClient, KeyRefused
from tests.francs.config import FrancConfig
from tests.francs.process import FrancProcess

PAYOUT: dict[str, Any] = {"reference": "r-1", "phone": "+221771234567", "amount": 983}


@pytest.fixture
def client(francs: FrancProcess, monkeypatch: pytest.MonkeyPatch) -> FrancClient:
    monkeypatch.setenv("FRANC_TIMEOUT_SECONDS", "2")
    return FrancClient(FrancConfig.from_environment())


def test_provider_that_is_gone_or_closed_is_not_reached(francs: FrancProcess, client: FrancClient) -> None:
    francs.control.set(is_closed=True)
    with pytest.raises(NotReached, match="closed"):
        client.post("payouts", **PAYOUT)
    francs.kill()
    with pytest.raises(NotReached, match="NewConnectionError"):
        client.post("payouts", **PAYOUT)
    francs.start()
    assert francs.control.paid() == []


@pytest.mark.parametrize(
    ("script", "payments"),
    [("lost-before", 0), ("lost-after-accept", 1), ("error-before", 0), ("error-after-accept", 1)],
)
def test_answer_that_was_lost_says_nothing(
    francs: FrancProcess, client: FrancClient, script: str, payments: int
) -> None:
    francs.control.script("pay_out", script)
    with pytest.raises(AnswerLost):
        client.post("payouts", **PAYOUT)
    assert len(francs.control.paid()) == payments


def test_silent_provider_says_nothing(francs: FrancProcess, client: FrancClient) -> None:
    francs.freeze()
    with pytest.raises(AnswerLost, match="ReadTimeout"):
        client.post("payouts", **PAYOUT)
    francs.thaw()


def test_refused_call_has_its_code(francs: FrancProcess, client: FrancClient) -> None:
    with pytest.raises(CallRefused) as refusal:
        client.get("payouts/r-1")

    assert (refusal.value.code, refusal.value.answer["account"]) == ("not_found", "franc-1")
    assert francs.control.calls("find_payout") == 1


def test_other_key_is_refused_and_without_one_nothing_is_sent(
    francs: FrancProcess, client: FrancClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    francs.control.set(api_key="another")
    with pytest.raises(KeyRefused, match="invalid_key"):
        client.post("payouts", **PAYOUT)
    monkeypatch.delenv("FRANC_API_KEY")
    with pytest.raises(NotConfigured, match="FRANC_API_KEY is not set"):
        FrancClient(FrancConfig.from_environment()).get("balance")
    assert (francs.control.paid(), francs.control.calls("balance")) == ([], 0)
