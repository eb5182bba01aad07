"""Payments with two choices whose worker is killed or frozen: one of them is paid, once, and the books agree."""

import pytest

pytestmark = [pytest.mark.mariadb, pytest.mark.slow]


def test_worker_halted_at_any_step_never_pays_both_choices(drive):
    report = drive("second-choices", 1, 24)

    assert report["halted"] >= 8
    assert report["used"]["sats"] > 0
    assert report["used"]["francs"] > 0
    assert report["both"] == []
    assert report["wrong"] == []
    assert report["paid_twice"] == []
    assert report["breaches"] == []
