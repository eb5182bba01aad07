"""What follows a failure."""

from datetime import UTC, datetime, timedelta

import pytest

from transfers.engine.policy import NextStep, after_failure, query_delay, retry_delay, watch_delay
from transfers.enums import DisbursementState, FailureClass

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(("retries", "seconds"), [(0, 60), (1, 120), (2, 240)])
def test_after_failure_of_retry_class_waits_longer_each_time(retries, seconds):
    step = after_failure(FailureClass.RETRY, retries=retries, now=NOW)

    assert step == NextStep(
        DisbursementState.PROCESSING, NOW + timedelta(seconds=seconds), counts_as_retry=True
    )


def test_after_failure_with_retries_exhausted_needs_review():
    step = after_failure(FailureClass.RETRY, retries=3, now=NOW)

    assert step == NextStep(DisbursementState.NEEDS_REVIEW, None)


@pytest.mark.parametrize(("holds", "seconds"), [(0, 60), (1, 120), (2, 240), (3, 480), (4, 960), (5, 960)])
def test_after_failure_of_hold_class_waits_longer_each_time_and_counts_no_retry(holds, seconds):
    step = after_failure(FailureClass.HOLD, retries=3, holds=holds, now=NOW)

    due_at = NOW + timedelta(seconds=seconds)
    assert step == NextStep(DisbursementState.PROCESSING, due_at, counts_as_retry=False)


@pytest.mark.parametrize("holds", [6, 7])
def test_after_failure_of_hold_class_six_times_needs_review(holds):
    step = after_failure(FailureClass.HOLD, retries=0, holds=holds, now=NOW)

    assert step == NextStep(DisbursementState.NEEDS_REVIEW, None)


@pytest.mark.parametrize(("retries", "seconds"), [(0, 120), (1, 120), (2, 240)])
def test_after_failure_of_renew_class_waits_until_no_worker_can_send_the_last_order(retries, seconds):
    step = after_failure(FailureClass.RENEW, retries=retries, now=NOW)

    assert step == NextStep(
        DisbursementState.PROCESSING, NOW + timedelta(seconds=seconds), counts_as_retry=True
    )


def test_after_failure_of_renew_class_with_retries_exhausted_needs_review():
    step = after_failure(FailureClass.RENEW, retries=3, now=NOW)

    assert step == NextStep(DisbursementState.NEEDS_REVIEW, None)


@pytest.mark.parametrize(("retries", "holds"), [(0, 0), (3, 0), (3, 7)])
def test_after_failure_of_stop_class_waits_a_minute_however_often_and_counts_no_retry(retries, holds):
    step = after_failure(FailureClass.STOP, retries=retries, holds=holds, now=NOW)

    due_at = NOW + timedelta(seconds=60)
    assert step == NextStep(DisbursementState.PROCESSING, due_at, counts_as_retry=False)


def test_after_failure_of_final_class_fails():
    assert after_failure(FailureClass.FINAL, retries=0, now=NOW) == NextStep(DisbursementState.FAILED, None)


def test_after_failure_of_review_class_needs_review():
    assert after_failure(FailureClass.REVIEW, retries=0, now=NOW) == NextStep(
        DisbursementState.NEEDS_REVIEW, None
    )


def test_retry_delay_doubles():
    assert [retry_delay(n).total_seconds() for n in range(3)] == [60, 120, 240]


def test_query_delay_starts_at_one_second_and_never_passes_five_minutes():
    seconds = [query_delay(queries).total_seconds() for queries in range(30)]

    assert seconds[:4] == [1, 2, 4, 8]
    assert seconds[4:9] == [15, 15, 15, 15, 15]
    assert seconds[9:13] == [30, 60, 120, 240]
    assert set(seconds[13:]) == {300}


@pytest.mark.parametrize(
    ("unsent", "seconds"), [(0, 30), (29, 30), (31, 31), (600, 600), (3_600, 3_600), (3_601, 3_600)]
)
def test_watch_delay_is_as_long_as_the_order_could_not_be_sent_within_bounds(unsent, seconds):
    assert watch_delay(timedelta(seconds=unsent)) == timedelta(seconds=seconds)
