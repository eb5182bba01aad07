"""A long row of deaths, in rounds: SOAK_SIZE says how many (`short` in CI, `full` for `make soak`)."""

import os

import pytest

pytestmark = [pytest.mark.mariadb, pytest.mark.soak]
KILLS_PER_ROUND = 100
ROUNDS = {"short": 1, "full": 100}[os.environ.get("SOAK_SIZE", "short")]


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_workers_killed_at_random_while_payouts_keep_coming_pay_each_once(drive, round_number):
    told = drive("many-deaths", KILLS_PER_ROUND, round_number)

    assert told["killed"] >= KILLS_PER_ROUND
    assert told["wrong"] == []
    assert told["breaches"] == []
