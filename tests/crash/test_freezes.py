"""A worker is frozen and thawed when others have finished its payout: the node paid it once, and the books agree."""

import pytest

pytestmark = [pytest.mark.mariadb, pytest.mark.slow]


def test_sends_that_come_late_pay_nothing_whatever_others_did_meanwhile(drive):
    report = drive("stale-senders")

    assert (report["events"]["frozen"], report["events"]["held"]) == (7, 6)
    assert report["paid_twice"] == []
    assert report["paid_though_cancelled"] == []
    assert report["otherwise_wrong"] == []
    assert report["waits"] == {}
    assert report["breaches"] == []


def test_refunds_sent_late_pay_nothing_and_a_cancelled_one_is_credit_again(drive):
    report = drive("stale-refunds")

    assert report["events"]["frozen"] == 2
    assert report["states"] == ["completed", "cancelled"]
    assert report["paid_twice"] == []
    assert report["paid_though_cancelled"] == []
    assert report["otherwise_wrong"] == []
    assert report["wrong_credits"] == []
    assert report["waits"] == {}
    assert report["breaches"] == []


def test_worker_frozen_at_every_step_pays_nothing_twice_however_others_finish(drive):
    report = drive("freeze-at-every-step", 1, 20)

    assert report["events"]["frozen"] >= 10
    assert report["paid_twice"] == []
    assert report["paid_though_cancelled"] == []
    assert report["otherwise_wrong"] == []
    assert report["waits"] == {}
    assert report["breaches"] == []


def test_worker_frozen_while_it_opens_an_attempt_stops_no_other_payment(drive):
    report = drive("frozen-while-opening", 2, 6)

    assert report["events"]["frozen"] > 3
    assert report["stopped"] == []
    assert report["paid_twice"] == []
    assert report["otherwise_wrong"] == []
    assert report["waits"] == {}
    assert report["breaches"] == []


def test_worker_thawed_after_its_deadline_sends_nothing(drive):
    report = drive("thaws-after-deadline")

    assert report["events"]["frozen"] == 2
    assert report["late"] == []
    assert report["paid_twice"] == []
    assert report["otherwise_wrong"] == []
    assert report["waits"] == {}
    assert report["breaches"] == []
