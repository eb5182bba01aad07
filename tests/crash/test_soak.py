"""A long row of deaths: SOAK_SIZE says how long (`short` in CI, `full` for `make soak`)."""

import os

import pytest

pytestmark = [pytest.mark.mariadb, pytest.mark.soak]
KILLS = {"short": 300, "full": 10_000}
SECONDS_PER_KILL = 5


def test_many_workers_killed_at_random_while_payouts_keep_coming_pay_each_once(drive):
    kills = KILLS[os.environ.get("SOAK_SIZE", "short")]

    told = drive("many-deaths", kills, 1, seconds=60 + SECONDS_PER_KILL * kills)

    assert told["killed"] >= kills
    assert told["wrong"] == []
    assert told["breaches"] == []
