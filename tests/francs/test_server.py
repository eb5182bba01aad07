"""The franc provider itself: it does what a test scripts, pays as often as it is asked to, and forgets nothing.

Numbers worked by hand, from an account of 1,000,000 francs.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from sandbox.simulator.control import ControlRefused
from sandbox.simulator.script import Step
from sandbox.simulator.store import text_of
from tests.francs.fixtures import FLOAT_XOF
from tests.francs.process import FrancProcess
from tests.francs.provider import API_KEY

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
KEY = {"Authorization": f"Bearer {API_KEY}"}
PHONE, OTHER_PHONE = "+221771234567", "+221770000001"
Answer = tuple[int, dict[str, Any]]


def get(francs: FrancProcess, path: str, **query: int) -> Answer:
    answer = requests.get(f"{francs.url}/v1/{path}", params=query, headers=KEY, timeout=10)
    return answer.status_code, answer.json()


def post(francs: FrancProcess, path: str, *, timeout_seconds: float = 10, **body: Any) -> Answer:
    answer = requests.post(f"{francs.url}/v1/{path}", json=body, headers=KEY, timeout=timeout_seconds)
    return answer.status_code, answer.json()


def pay_out(francs: FrancProcess, reference: str = "r-1", **changes: Any) -> Answer:
    return post(francs, "payouts", **{"reference": reference, "phone": PHONE, "amount": 983, **changes})


def open_collection(francs: FrancProcess, reference: str = "c-1", **changes: Any) -> Answer:
    asked = {"reference": reference, "amount": 913, "expires_in_seconds": 3_600, **changes}
    return post(francs, "collections", **asked)


def balance(francs: FrancProcess) -> int:
    return int(get(francs, "balance")[1]["balance"])


# Payouts


def test_pay_out_takes_the_amount_and_the_fee_and_is_found_by_its_reference(francs: FrancProcess) -> None:
    francs.control.set(fee_francs=10, fee_bps=100)
    francs.control.set_clock(NOW)

    status, paid = pay_out(francs)

    # 10 francs and one percent of 983, up: 10 + 10.
    assert (status, paid) == (
        200,
        {
            "id": "FR-1", "reference": "r-1", "phone": PHONE, "amount": 983, "currency": "XOF", "fee": 20,
            "status": "paid", "code": "", "created_at": text_of(NOW), "paid_at": text_of(NOW), "reversal": None,
        },
    )  # fmt: skip
    assert get(francs, "payouts/r-1") == (200, {"account": "franc-1", "payouts": [paid]})
    assert balance(francs) == FLOAT_XOF - 1_003


def test_same_reference_is_paid_once(francs: FrancProcess) -> None:
    first = pay_out(francs)

    assert pay_out(francs) == first
    for change in ({"amount": 984}, {"phone": OTHER_PHONE}):
        assert pay_out(francs, **change) == (409, {"code": "reference_used_otherwise"})
    assert balance(francs) == FLOAT_XOF - 983
    assert francs.control.paid_twice() == []


def test_same_reference_is_paid_twice_without_idempotency(francs: FrancProcess) -> None:
    francs.control.set(is_idempotent=False)

    pay_out(francs)
    pay_out(francs)

    assert francs.control.paid_twice() == ["r-1"]
    assert francs.control.paid_by_phone() == {PHONE: 1_966}
    assert [row["id"] for row in get(francs, "payouts/r-1")[1]["payouts"]] == ["FR-1", "FR-2"]


def test_many_calls_at_once_with_one_reference_pay_once(francs: FrancProcess) -> None:
    with ThreadPoolExecutor(16) as callers:
        answers = list(callers.map(lambda _: pay_out(francs), range(32)))

    assert {answer["id"] for _, answer in answers} == {"FR-1"}
    assert len(francs.control.paid()) == 1


@pytest.mark.parametrize("code", ["no_such_wallet", "try_later", "wallet_full"])
def test_refused_payout_takes_nothing_and_may_be_tried_again(francs: FrancProcess, code: str) -> None:
    francs.control.refuse_next(code)

    refused, paid = pay_out(francs)[1], pay_out(francs)[1]

    assert (refused["id"], refused["status"], refused["code"], refused["paid_at"]) == (
        "FR-1", "refused", code, None,
    )  # fmt: skip
    assert (paid["id"], paid["status"]) == ("FR-2", "paid")
    assert [row["status"] for row in get(francs, "payouts/r-1")[1]["payouts"]] == ["refused", "paid"]
    assert balance(francs) == FLOAT_XOF - 983


def test_payout_beyond_the_account_with_its_fee_is_refused(francs: FrancProcess) -> None:
    francs.control.set(fee_francs=1)

    assert pay_out(francs, amount=FLOAT_XOF)[1]["code"] == "insufficient_float"
    assert pay_out(francs, "r-2", amount=FLOAT_XOF - 1)[1]["status"] == "paid"
    assert balance(francs) == 0


def test_phone_without_wallet_is_refused(francs: FrancProcess) -> None:
    francs.control.set(missing_wallets=[PHONE])

    assert get(francs, f"recipients/{PHONE}") == (404, {"code": "no_such_wallet"})
    assert get(francs, f"recipients/{OTHER_PHONE}") == (200, {"phone": OTHER_PHONE, "name": "Wallet 0001"})
    assert pay_out(francs)[1]["code"] == "no_such_wallet"


@pytest.mark.parametrize(
    "changes", [{"amount": 0}, {"amount": -1}, {"amount": 1.5}, {"amount": True}, {"phone": ""}]
)
def test_malformed_payout_is_refused(francs: FrancProcess, changes: dict[str, Any]) -> None:
    assert pay_out(francs, **changes) == (422, {"code": "malformed"})
    assert francs.control.record() == {"payouts": [], "receipts": []}


def test_accepted_payout_is_pending_until_it_is_completed(francs: FrancProcess) -> None:
    for reference in ("r-1", "r-2"):
        francs.control.script("pay_out", "pending")
        assert pay_out(francs, reference)[1]["status"] == "pending"
    assert get(francs, "balance")[1] == {
        "account": "franc-1", "balance": FLOAT_XOF, "available": FLOAT_XOF - 1_966,
    }  # fmt: skip

    francs.control.complete("r-1")
    francs.control.complete("r-2", code="wallet_full")

    assert get(francs, "payouts/r-1")[1]["payouts"][0]["status"] == "paid"
    refused = get(francs, "payouts/r-2")[1]["payouts"][0]
    assert (refused["status"], refused["code"]) == ("refused", "wallet_full")
    assert get(francs, "balance")[1]["available"] == balance(francs) == FLOAT_XOF - 983


@pytest.mark.parametrize(
    ("returned", "left"), [(None, FLOAT_XOF - 10), (993, FLOAT_XOF), (900, FLOAT_XOF - 93)]
)
def test_reversed_payout_gives_the_money_back(francs: FrancProcess, returned: int | None, left: int) -> None:
    francs.control.set(fee_francs=10)
    francs.control.set_clock(NOW)
    pay_out(francs)
    francs.control.set_clock(NOW + timedelta(days=1))

    francs.control.reverse("r-1", returned=returned)

    (row,) = get(francs, "payouts/r-1")[1]["payouts"]
    assert (row["status"], row["paid_at"]) == ("reversed", text_of(NOW))
    amount = 983 if returned is None else returned
    assert row["reversal"] == {"id": "FRR-1", "amount": amount, "at": text_of(NOW + timedelta(days=1))}
    assert balance(francs) == left
    assert pay_out(francs)[1] == row  # the reference is not paid again


# Fence


def test_fenced_provider_refuses_a_payout_after_its_latest_moment(francs: FrancProcess) -> None:
    francs.control.set_clock(NOW)

    late = pay_out(francs, not_after=text_of(NOW - timedelta(microseconds=1)))

    assert late == (409, {"code": "too_late"})
    assert pay_out(francs, not_after=text_of(NOW))[1]["status"] == "paid"


def test_provider_without_fence_pays_late(francs: FrancProcess) -> None:
    francs.control.set_clock(NOW)
    francs.control.set(is_fenced=False)

    assert pay_out(francs, not_after=text_of(NOW - timedelta(days=1)))[1]["status"] == "paid"


def test_payout_that_waited_at_the_provider_is_refused_by_the_fence(francs: FrancProcess) -> None:
    francs.control.set_clock(NOW)
    held = francs.control.script("pay_out", Step(hold="before"))
    with ThreadPoolExecutor(1) as caller:
        waiting = caller.submit(pay_out, francs, not_after=text_of(NOW + timedelta(seconds=20)))
        francs.control.wait_until_reached(held)
        francs.control.set(ahead_seconds=21)
        francs.control.release(held)

        assert waiting.result() == (409, {"code": "too_late"})
    assert francs.control.paid() == []


# Answers that are lost, late or wrong


@pytest.mark.parametrize(("script", "payments"), [("lost-after-accept", 1), ("lost-before", 0), ("reset", 1)])
def test_lost_answer_closes_the_connection(francs: FrancProcess, script: str, payments: int) -> None:
    francs.control.script("pay_out", script)

    with pytest.raises(requests.ConnectionError):
        pay_out(francs)

    assert len(francs.control.paid()) == payments
    assert pay_out(francs)[1]["status"] == "paid"
    assert len(francs.control.paid()) == 1


@pytest.mark.parametrize(("script", "payments"), [("error-after-accept", 1), ("error-before", 0)])
def test_failed_call_answers_500_paid_or_not(francs: FrancProcess, script: str, payments: int) -> None:
    francs.control.script("pay_out", script)

    assert pay_out(francs) == (500, {"code": "internal_error"})

    assert len(francs.control.paid()) == payments


@pytest.mark.parametrize(("when", "payments"), [("before", 0), ("after", 1)])
def test_held_call_answers_when_it_is_released(francs: FrancProcess, when: str, payments: int) -> None:
    held = francs.control.script("pay_out", Step(hold=when))
    with ThreadPoolExecutor(1) as caller:
        waiting = caller.submit(pay_out, francs)
        francs.control.wait_until_reached(held)

        assert len(francs.control.paid()) == payments
        assert pay_out(francs, "r-2")[1]["status"] == "paid"  # others are not held up

        francs.control.release(held)
        assert waiting.result()[1]["status"] == "paid"


def test_delayed_answer_comes_after_the_caller_gave_up(francs: FrancProcess) -> None:
    francs.control.script("pay_out", Step(delay_after_seconds=1))

    with pytest.raises(requests.Timeout):
        post(francs, "payouts", timeout_seconds=0.2, reference="r-1", phone=PHONE, amount=983)

    assert len(francs.control.paid()) == 1


def test_hidden_payment_is_seen_later(francs: FrancProcess) -> None:
    francs.control.set_clock(NOW)
    francs.control.lose_answer_after_paying(hidden_seconds=60)
    with pytest.raises(requests.ConnectionError):
        pay_out(francs)

    assert get(francs, "payouts/r-1") == (404, {"code": "not_found", "account": "franc-1"})
    assert get(francs, "statement")[1]["payouts"] == []
    francs.control.set_clock(NOW + timedelta(seconds=60))

    assert get(francs, "payouts/r-1")[1]["payouts"][0]["status"] == "paid"
    assert len(get(francs, "statement")[1]["payouts"]) == 1


def test_script_is_for_its_reference_and_as_often_as_it_says(francs: FrancProcess) -> None:
    francs.control.script("pay_out", Step(outcome="refuse", code="try_later"), reference="r-2", times=2)

    answers = [pay_out(francs, reference)[1]["status"] for reference in ("r-1", "r-2", "r-2", "r-2")]

    assert answers == ["paid", "refused", "refused", "paid"]
    assert francs.control.calls("pay_out") == 4


def test_call_without_the_key_does_nothing(francs: FrancProcess) -> None:
    francs.control.set(api_key="another")

    assert pay_out(francs) == (401, {"code": "invalid_key"})
    assert francs.control.record()["payouts"] == []


def test_scripted_amount_and_currency_are_shown_and_paid(francs: FrancProcess) -> None:
    francs.control.script("pay_out", Step(amount=1, currency="EUR"))

    first = pay_out(francs)

    assert (first[1]["amount"], first[1]["currency"]) == (1, "EUR")
    assert pay_out(francs) == first
    assert balance(francs) == FLOAT_XOF - 1


def test_page_shows_phones_and_what_they_hold(francs: FrancProcess) -> None:
    pay_out(francs)

    page = requests.get(f"{francs.url}/", timeout=10).text

    assert PHONE in page
    assert "100\u202f983\u00a0XOF" in page


def test_closed_provider_does_nothing(francs: FrancProcess) -> None:
    pay_out(francs)
    francs.control.set(is_closed=True)

    for answer in (
        pay_out(francs, "r-2"),
        get(francs, "payouts/r-1"),
        get(francs, "balance"),
        open_collection(francs),
    ):
        assert answer == (503, {"code": "closed"})

    francs.control.set(is_closed=False)
    assert len(francs.control.paid()) == 1
    assert get(francs, "payouts/r-1")[0] == 200


# Account and statement


def test_statement_lists_payouts_in_pages_oldest_first(francs: FrancProcess) -> None:
    for number in range(5):
        pay_out(francs, f"r-{number}")
    francs.control.refuse_next("try_later")
    pay_out(francs, "r-5")

    pages, after = [], 0
    while after is not None:
        _, page = get(francs, "statement", after=after, limit=2)
        pages.append([(row["reference"], row["status"]) for row in page["payouts"]])
        after = page["next"]

    assert pages == [
        [("r-0", "paid"), ("r-1", "paid")],
        [("r-2", "paid"), ("r-3", "paid")],
        [("r-4", "paid"), ("r-5", "refused")],
        [],
    ]


# Collections


def test_collection_is_open_until_it_is_paid(francs: FrancProcess) -> None:
    francs.control.set_clock(NOW)

    opened = open_collection(francs)

    assert opened == (
        200,
        {
            "account": "franc-1", "reference": "c-1", "amount": 913, "currency": "XOF", "received": 0,
            "status": "open", "checkout_url": "https://francs.example/pay/1",
            "expires_at": text_of(NOW + timedelta(hours=1)), "receipts": [],
        },
    )  # fmt: skip
    assert open_collection(francs) == opened
    assert open_collection(francs, amount=914) == (409, {"code": "reference_used_otherwise"})

    francs.control.pay_in("c-1", 913)

    paid = get(francs, "collections/c-1")[1]
    assert (paid["status"], paid["received"]) == ("paid", 913)
    assert paid["receipts"] == [
        {"id": "FRC-1", "reference": "c-1", "amount": 913, "currency": "XOF", "at": text_of(NOW)}
    ]
    assert balance(francs) == FLOAT_XOF + 913


def test_collection_is_paid_in_parts_and_again(francs: FrancProcess) -> None:
    open_collection(francs)

    seen = []
    for amount in (400, 500, 13, 913):
        francs.control.pay_in("c-1", amount)
        found = get(francs, "collections/c-1")[1]
        seen.append((found["status"], found["received"]))

    assert seen == [("open", 400), ("open", 900), ("paid", 913), ("paid", 1_826)]
    assert [row["id"] for row in get(francs, "collections/c-1")[1]["receipts"]] == [
        "FRC-1", "FRC-2", "FRC-3", "FRC-4",
    ]  # fmt: skip


def test_one_payment_may_be_listed_twice(francs: FrancProcess) -> None:
    open_collection(francs)

    francs.control.pay_in("c-1", 913, listed=2)

    found = get(francs, "collections/c-1")[1]
    assert ([row["id"] for row in found["receipts"]], found["received"]) == (["FRC-1", "FRC-1"], 913)
    assert balance(francs) == FLOAT_XOF + 913


def test_expired_or_cancelled_collection_takes_money_all_the_same(francs: FrancProcess) -> None:
    francs.control.set_clock(NOW)
    open_collection(francs)
    open_collection(francs, "c-2")

    assert post(francs, "collections/c-1/cancel")[1]["status"] == "cancelled"
    francs.control.set_clock(NOW + timedelta(hours=1))
    assert get(francs, "collections/c-2")[1]["status"] == "expired"

    for reference in ("c-1", "c-2"):
        francs.control.pay_in(reference, 100)
    found = [get(francs, f"collections/{reference}")[1] for reference in ("c-1", "c-2")]
    assert [(one["status"], one["received"]) for one in found] == [("cancelled", 100), ("expired", 100)]

    francs.control.pay_in("c-2", 813)
    assert get(francs, "collections/c-2")[1]["status"] == "paid"


def test_cancel_of_a_paid_collection_reports_the_payment(francs: FrancProcess) -> None:
    open_collection(francs)
    francs.control.pay_in("c-1", 913)

    assert post(francs, "collections/c-1/cancel")[1]["status"] == "paid"


def test_hidden_receipt_is_seen_later(francs: FrancProcess) -> None:
    francs.control.set_clock(NOW)
    open_collection(francs)

    francs.control.pay_in("c-1", 913, hidden_seconds=60)

    assert get(francs, "collections/c-1")[1]["received"] == 0
    francs.control.set_clock(NOW + timedelta(seconds=60))
    assert get(francs, "collections/c-1")[1]["received"] == 913


def test_unknown_collection_is_not_found(francs: FrancProcess) -> None:
    for answer in (get(francs, "collections/c-9"), post(francs, "collections/c-9/cancel")):
        assert answer == (404, {"code": "not_found", "account": "franc-1"})
    with pytest.raises(ControlRefused, match="not_found"):
        francs.control.pay_in("c-9", 1)


# The process


def test_killed_provider_keeps_what_it_had_done(francs: FrancProcess) -> None:
    francs.control.set(fee_francs=10)
    held = francs.control.script("pay_out", Step(hold="after"))
    with ThreadPoolExecutor(1) as caller:
        waiting = caller.submit(pay_out, francs)
        francs.control.wait_until_reached(held)

        francs.kill()
        with pytest.raises(requests.ConnectionError):
            waiting.result()
        with pytest.raises(requests.ConnectionError):
            pay_out(francs)
    francs.start()

    assert get(francs, "payouts/r-1")[1]["payouts"][0]["status"] == "paid"
    assert pay_out(francs)[1]["id"] == "FR-1"
    assert balance(francs) == FLOAT_XOF - 993


def test_frozen_provider_answers_when_it_is_thawed(francs: FrancProcess) -> None:
    francs.freeze()
    with pytest.raises(requests.Timeout):
        post(francs, "payouts", timeout_seconds=0.3, reference="r-1", phone=PHONE, amount=983)

    francs.thaw()

    assert pay_out(francs)[1]["status"] == "paid"
    assert francs.control.paid_twice() == []


def test_reset_waits_for_calls_whose_callers_gave_up(francs: FrancProcess) -> None:
    francs.control.script("pay_out", Step(delay_before_seconds=0.5))
    with pytest.raises(requests.Timeout):
        post(francs, "payouts", timeout_seconds=0.1, reference="r-1", phone=PHONE, amount=983)

    francs.control.reset()

    assert francs.control.calls("pay_out") == 0
    assert francs.control.record()["payouts"] == []


def test_reset_ends_calls_that_are_held(francs: FrancProcess) -> None:
    held = francs.control.script("pay_out", Step(hold="after"))
    with ThreadPoolExecutor(1) as caller:
        waiting = caller.submit(pay_out, francs)
        francs.control.wait_until_reached(held)

        francs.control.reset()

        assert waiting.result()[1]["status"] == "paid"
    assert francs.control.record()["payouts"] == []
