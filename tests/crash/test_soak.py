"""Long repetition: SOAK_SIZE is `short` in CI and `full` for `make soak`."""

import os

import pytest

pytestmark = [pytest.mark.mariadb, pytest.mark.soak]
SIZE = os.environ.get("SOAK_SIZE", "short")
KILLS_PER_ROUND = 100
ROUNDS = {"short": 1, "full": 100}[SIZE]
PAYOUTS = {"short": 300, "full": 5_000}[SIZE]
CHAOS_SECONDS = {"short": 900, "full": 4 * 3600}[SIZE]


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_workers_killed_at_random_while_payouts_keep_coming_pay_each_once(drive, round_number):
    report = drive("many-kills", KILLS_PER_ROUND, round_number)

    assert report["killed"] >= KILLS_PER_ROUND
    assert report["wrong"] == []
    assert report["breaches"] == []


def test_node_and_books_agree_to_the_msat_after_payouts_amid_random_faults_and_kills(drive):
    report = drive("chaos", PAYOUTS, seconds=CHAOS_SECONDS)

    assert report["payouts"] == PAYOUTS
    assert report["events"]["workers killed"] > PAYOUTS // 50, "too few workers were killed to prove anything"
    assert report["events"]["resolved as paid by two people"] > 0, (
        "every outcome was known, so nothing was resolved by hand"
    )
    assert report["wrong"] == []
    assert report["mismatches"] == []
    assert report["breaches"] == []
    assert report["record_msat"] == report["node_msat"] == report["books_msat"]
