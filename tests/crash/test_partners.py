"""Cash-outs over each partner whose worker is killed or frozen: each paid once by the partner's own record."""

import pytest

from tests.partners.harness import HARNESSES

pytestmark = [pytest.mark.mariadb, pytest.mark.slow]

NAMES = sorted(HARNESSES)
# Without the variants of the invented partner, but for the one that pays as often as it is asked to.
TESTED = [name for name in NAMES if "-" not in name or name.endswith("repeating")]
STRIDE = 16


@pytest.mark.parametrize("name", TESTED)
def test_worker_halted_at_any_step_never_pays_a_cash_out_twice(drive, name):
    report = drive("partner-steps", NAMES.index(name), 1 + NAMES.index(name), STRIDE)

    assert report["halted"] >= 10
    assert {"before send", "before POST", "after send"} <= set(report["steps"])
    assert report["paid_twice"] == []
    assert report["wrong"] == []
    assert report["breaches"] == []
