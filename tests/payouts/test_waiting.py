"""Waiting for a worker: no longer and by no more requests at once than allowed."""

from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from payouts.api.waiting import wait_for_outcome
from tests.factories.payouts import NOW, make_group, make_payable_cycle, process
from transfers.engine.runner import run_due

pytestmark = pytest.mark.django_db


class Watch:
    """A clock that moves only when `sleep` is called."""

    def __init__(self) -> None:
        self.at = NOW
        self.slept: list[int] = []

    def __call__(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds * 1_000))
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def watch(settings: Settings) -> Watch:
    settings.PAYOUT_WAIT_SECONDS = 5
    settings.PAYOUT_WAITERS = 1
    return Watch()


@pytest.fixture
def payout_id() -> int:
    return process(make_payable_cycle(make_group(members=2), net_sats=19_800))


def test_wait_checks_at_growing_intervals_until_the_time_is_up(watch: Watch, payout_id: int) -> None:
    wait_for_outcome(payout_id, clock=watch, sleep=watch.sleep)

    assert watch.slept == [50, 100, 200, *[250] * 18, 150]
    assert watch.at == NOW + timedelta(seconds=5)


def test_wait_ends_once_the_payout_is_decided(watch: Watch, payout_id: int) -> None:
    def pay_meanwhile(seconds: float) -> None:
        watch.sleep(seconds)
        run_due(slots=1, clock=lambda: NOW)

    wait_for_outcome(payout_id, clock=watch, sleep=pay_meanwhile)

    assert watch.slept == [50]


def test_wait_without_a_free_place_ends_at_once(watch: Watch, payout_id: int) -> None:
    other = Watch()

    def another_comes(seconds: float) -> None:
        watch.sleep(seconds)
        wait_for_outcome(payout_id, clock=other, sleep=other.sleep)

    wait_for_outcome(payout_id, clock=watch, sleep=another_comes)

    assert (other.slept, len(watch.slept)) == ([], 22)
    wait_for_outcome(payout_id, clock=other, sleep=other.sleep)
    assert len(other.slept) == 22


def test_wait_that_raises_frees_its_place(watch: Watch, payout_id: int) -> None:
    def broken(seconds: float) -> None:
        raise InterruptedError

    for _ in range(2):
        with pytest.raises(InterruptedError):
            wait_for_outcome(payout_id, clock=watch, sleep=broken)
