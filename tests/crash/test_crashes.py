"""A worker is killed at every ninth step: the node's record shows each payout paid once, and the books agree."""

import pytest

pytestmark = [pytest.mark.mariadb, pytest.mark.slow]
# Every ninth step, from another first one in each flow; the soak takes every one.
STRIDE = 9
FEWEST = 40 // STRIDE


def test_worker_killed_at_every_step_of_a_payout_recovers_without_a_second_payment(drive):
    report = drive("every-step", 1, STRIDE)

    assert report["payouts"] > FEWEST, "the loop ends at the first worker that finishes before its kill"
    assert report["wrong"] == []
    assert report["breaches"] == []


def test_worker_killed_at_every_step_of_a_refund_pays_it_once_out_of_the_credit(drive):
    report = drive("every-step-of-a-refund", 2, STRIDE)

    assert report["payouts"] > FEWEST, "the loop ends at the first worker that finishes before its kill"
    assert report["wrong"] == []
    assert report["wrong_credits"] == []
    assert report["breaches"] == []


def test_worker_killed_at_every_step_of_a_batch_recovers_without_a_second_payment(drive):
    report = drive("every-step-of-a-batch", 3, STRIDE)

    assert report["steps"] > 40, "the loop ends at the first worker that finishes before its kill"
    assert report["wrong"] == []
    assert report["breaches"] == []


@pytest.mark.parametrize("slots", [1, 8])
def test_workers_killed_at_random_while_paying_many_pay_each_once(slots, drive):
    report = drive("random-kills", 24, 7, slots)

    assert report["payouts"] == 24
    assert report["wrong"] == []
    assert report["breaches"] == []


def test_hold_one_payment_in_node_delays_no_other_payment(drive):
    report = drive("one-slow")

    assert report["while_it_was_slow"] == {"slow": "processing", "others": ["completed"] * 4}
    assert report["status"] == 0
    assert report["wrong"] == []
    assert report["breaches"] == []


@pytest.mark.parametrize("slots", [1, 8])
def test_sixteen_workers_over_two_hundred_due_payouts_pay_each_once(slots, drive):
    report = drive("many-workers", 16, 200, slots)

    assert report["statuses"] == [0] * 16
    assert report["payouts"] == 200
    assert report["wrong"] == []
    assert report["breaches"] == []


def test_worker_killed_around_the_send_recovers_within_a_minute_without_a_second_payment(drive):
    report = drive("kills-around-the-send")

    assert len(report["results"]) == 10
    assert [result for result in report["results"] if result["recovered_within"] is None] == []
    assert report["wrong"] == []
    assert report["breaches"] == []


def test_sixteen_requests_for_one_cycle_at_once_make_one_payout_paid_once(drive):
    report = drive("many-requests", 16)

    assert report["answers"] == [202] * 16
    assert report["disbursements"] == 1
    assert report["statuses"] == [0] * 4
    assert report["wrong"] == []
    assert report["breaches"] == []
