"""What follows a failure."""

from datetime import UTC, datetime, timedelta

import pytest

from transfers.engine.policy import NextStep, after_failure, query_delay, retry_delay
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


def test_after_failure_of_hold_class_counts_no_retry():
    step = after_failure(FailureClass.HOLD, retries=2, now=NOW)

    assert step == NextStep(DisbursementState.PROCESSING, NOW + timedelta(seconds=60), counts_as_retry=False)


@pytest.mark.parametrize(("retries", "seconds"), [(0, 120), (1, 120), (2, 240)])
def test_after_failure_of_renew_class_waits_until_no_worker_can_send_the_last_order(retries, seconds):
    step = after_failure(FailureClass.RENEW, retries=retries, now=NOW)

    assert step == NextStep(
        DisbursementState.PROCESSING, NOW + timedelta(seconds=seconds), counts_as_retry=True
    )


def test_after_failure_of_renew_class_with_retries_exhausted_needs_review():
    step = after_failure(FailureClass.RENEW, retries=3, now=NOW)

    assert step == NextStep(DisbursementState.NEEDS_REVIEW, None)


def test_after_failure_of_final_class_fails():
    assert after_failure(FailureClass.FINAL, retries=0, now=NOW) == NextStep(DisbursementState.FAILED, None)


def test_after_failure_of_review_class_needs_review():
    assert after_failure(FailureClass.REVIEW, retries=0, now=NOW) == NextStep(
        DisbursementState.NEEDS_REVIEW, None
    )


def test_retry_delay_doubles():
    assert [retry_delay(n).total_seconds() for n in range(3)] == [60, 120, 240]


def test_query_delay_starts_at_fifteen_seconds_and_never_passes_five_minutes():
    seconds = [query_delay(queries).total_seconds() for queries in range(30)]

    assert seconds[:5] == [15, 15, 15, 15, 15]
    assert seconds[5:9] == [30, 60, 120, 240]
    assert set(seconds[9:]) == {300}
