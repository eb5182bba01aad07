"""Long repetition: SOAK_SIZE says how much (`short` in CI, `full` for `make soak`)."""

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
    told = drive("many-kills", KILLS_PER_ROUND, round_number)

    assert told["killed"] >= KILLS_PER_ROUND
    assert told["wrong"] == []
    assert told["breaches"] == []


def test_node_and_books_agree_to_the_msat_after_payouts_amid_random_faults_and_kills(drive):
    told = drive("chaos", PAYOUTS, seconds=CHAOS_SECONDS)

    assert told["payouts"] == PAYOUTS
    assert told["told"]["workers killed"] > PAYOUTS // 50, "nobody was killed: it proves nothing"
    assert told["told"]["decided by two people"] > 0, "no outcome stayed unknown"
    assert told["wrong"] == []
    assert told["mismatches"] == []
    assert told["breaches"] == []
    assert told["record_msat"] == told["purse_msat"] == told["books_msat"]
