"""A process that works on a settlement is killed or frozen in each phase: it is paid once, and the books agree."""

from typing import Any

import pytest

pytestmark = [pytest.mark.mariadb, pytest.mark.slow]

PHASES = (
    "approving", "executing", "paying", "recording the bank's payment", "proposing again", "closing the window",
)  # fmt: skip


def require_right(report: dict[str, Any]) -> None:
    assert report["wrong"] == []
    assert report["paid_too_much_xof"] == 0
    assert report["in_transit_msat"] == 0
    assert report["waits"] == {}
    assert report["breaches"] == []


# A fair few of all steps; the soak takes every one.
def test_halted_at_any_step_of_a_settlement_others_complete_it_and_the_partner_is_paid_once(drive):
    report = drive("settlement-steps", 7, 30)

    assert set(report["halted"]) == set(PHASES)
    assert min(report["events"]["frozen"], report["events"]["killed"]) >= 3
    require_right(report)
