"""Long repetition: SOAK_SIZE is `short` in CI and `full` for `make soak`."""

import os

import pytest

from tests.crash.test_partners import NAMES, TESTED
from tests.crash.test_settlements import PHASES, require_right

pytestmark = [pytest.mark.mariadb, pytest.mark.soak]
SIZE = os.environ.get("SOAK_SIZE", "short")
KILLS_PER_ROUND = 100
ROUNDS = {"short": 1, "full": 100}[SIZE]
PAYOUTS = {"short": 300, "full": 5_000}[SIZE]
# A round freezes workers at every sixteenth step of each way to finish, the next at the steps after those, ...
FREEZES_APART = 16
FREEZE_ROUNDS = {"short": 2, "full": FREEZES_APART}[SIZE]
OPENING_ROUNDS = {"short": 1, "full": 6}[SIZE]
PARTNER_STRIDE = {"short": 8, "full": 1}[SIZE]
# Each phase from two first steps: one of them is frozen where the other is killed.
SETTLEMENT_STRIDE = {"short": 12, "full": 1}[SIZE]
SETTLEMENT_SECONDS = {"short": 900, "full": 3600}[SIZE]
KILL_STRIDE = {"short": 3, "full": 1}[SIZE]
CHAOS_SECONDS = {"short": 900, "full": 4 * 3600}[SIZE]


# `make test` kills at every ninth step, from other first ones.
@pytest.mark.parametrize(
    ("scenario", "first"), [("every-step", 2), ("every-step-of-a-refund", 3), ("every-step-of-a-batch", 1)]
)
def test_worker_killed_at_every_step_recovers_without_a_second_payment(drive, scenario, first):
    report = drive(scenario, *([first, KILL_STRIDE] if KILL_STRIDE > 1 else []))

    fewest = 40 // KILL_STRIDE
    assert report["payouts"] > fewest, "the loop ends at the first worker that finishes before its kill"
    assert report["wrong"] == []
    assert report.get("wrong_credits", []) == []
    assert report["breaches"] == []


@pytest.mark.parametrize("name", TESTED)
def test_worker_halted_at_every_step_never_pays_a_cash_out_twice(drive, name):
    report = drive("partner-steps", NAMES.index(name), 1, PARTNER_STRIDE)

    assert report["halted"] > 40 // PARTNER_STRIDE
    assert report["paid_twice"] == []
    assert report["wrong"] == []
    assert report["breaches"] == []


@pytest.mark.parametrize("first", [1, 1 + SETTLEMENT_STRIDE])
@pytest.mark.parametrize("phase", range(len(PHASES)), ids=PHASES)
def test_halted_at_every_step_of_a_settlement_others_complete_it_and_the_partner_is_paid_once(
    drive, phase, first
):
    report = drive("settlement-steps", first, SETTLEMENT_STRIDE, phase, seconds=SETTLEMENT_SECONDS)

    assert report["halted"][PHASES[phase]] >= 20 // SETTLEMENT_STRIDE
    require_right(report)


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_workers_killed_at_random_while_payouts_keep_coming_pay_each_once(drive, round_number):
    report = drive("many-kills", KILLS_PER_ROUND, round_number)

    assert report["killed"] >= KILLS_PER_ROUND
    assert report["wrong"] == []
    assert report["breaches"] == []


@pytest.mark.parametrize("first", range(1, FREEZE_ROUNDS + 1))
def test_worker_frozen_at_every_step_pays_nothing_twice_however_others_finish(drive, first):
    report = drive("freeze-at-every-step", first, FREEZES_APART)

    assert report["events"]["frozen"] >= 10
    assert report["paid_twice"] == []
    assert report["paid_though_cancelled"] == []
    assert report["otherwise_wrong"] == []
    assert report["waits"] == {}
    assert report["breaches"] == []


@pytest.mark.parametrize("first", range(1, OPENING_ROUNDS + 1))
def test_worker_frozen_while_it_opens_an_attempt_stops_no_other_payment(drive, first):
    report = drive("frozen-while-opening", first, 6)

    assert report["events"]["frozen"] >= 3
    assert report["stopped"] == []
    assert report["paid_twice"] == []
    assert report["otherwise_wrong"] == []
    assert report["waits"] == {}
    assert report["breaches"] == []


def test_node_and_books_agree_to_the_msat_after_payouts_amid_random_faults_kills_and_freezes(drive):
    report = drive("chaos", PAYOUTS, seconds=CHAOS_SECONDS)

    assert report["payouts"] == PAYOUTS
    assert report["events"]["workers killed"] > PAYOUTS // 50, "too few workers were killed to prove anything"
    assert report["events"]["workers frozen"] > PAYOUTS // 150, (
        "too few workers were frozen to prove anything"
    )
    assert report["events"]["resolved as paid by two people"] > 0, (
        "every outcome was known, so nothing was resolved by hand"
    )
    assert report["wrong"] == []
    assert report["mismatches"] == []
    assert report["breaches"] == []
    assert report["record_msat"] == report["node_msat"] == report["books_msat"]
