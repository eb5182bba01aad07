"""Whatever dies, everybody is paid exactly once: by the node's own record, and the books agree."""

import pytest

pytestmark = [pytest.mark.mariadb, pytest.mark.slow]


def test_worker_killed_at_every_step_of_a_payout_recovers_without_a_second_payment(drive):
    told = drive("every-step")

    assert told["payouts"] > 40, "the loop ends only when a worker outlived its fuse"
    assert told["wrong"] == []
    assert told["breaches"] == []


def test_worker_killed_at_every_step_of_a_batch_recovers_without_a_second_payment(drive):
    told = drive("every-step-of-a-batch")

    assert told["steps"] > 40, "the loop ends only when a worker outlived its fuse"
    assert told["wrong"] == []
    assert told["breaches"] == []


@pytest.mark.parametrize("slots", [1, 8])
def test_workers_killed_at_random_while_paying_many_pay_each_once(slots, drive):
    told = drive("random-kills", 24, 7, slots)

    assert told["payouts"] == 24
    assert told["wrong"] == []
    assert told["breaches"] == []


def test_one_slow_payment_holds_neither_its_batch_nor_what_falls_due_later(drive):
    told = drive("one-slow")

    assert told["while_it_was_slow"] == {"slow": "processing", "others": ["completed"] * 4}
    assert told["status"] == 0
    assert told["wrong"] == []
    assert told["breaches"] == []


@pytest.mark.parametrize("slots", [1, 8])
def test_sixteen_workers_over_two_hundred_due_payouts_pay_each_once(slots, drive):
    told = drive("many-workers", 16, 200, slots)

    assert told["statuses"] == [0] * 16
    assert told["payouts"] == 200
    assert told["wrong"] == []
    assert told["breaches"] == []


def test_worker_killed_around_the_send_recovers_within_a_minute_without_a_second_payment(drive):
    told = drive("kills-around-the-send")

    assert len(told["stories"]) == 10
    assert [story for story in told["stories"] if story["recovered_within"] is None] == []
    assert told["wrong"] == []
    assert told["breaches"] == []


def test_sixteen_requests_for_one_cycle_at_once_make_one_payout_paid_once(drive):
    told = drive("many-requests", 16)

    assert told["answers"] == [202] * 16
    assert told["disbursements"] == 1
    assert told["statuses"] == [0] * 4
    assert told["wrong"] == []
    assert told["breaches"] == []
