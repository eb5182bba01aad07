"""Every constraint of the database is violated once, and refuses by its name."""

import pytest

from tests.support.constraints import Violation, constraints, refuses, violations
from tests.transfers.conftest import plugins

__all__ = ["plugins"]  # the rows of transfers are paid over a rail that the test steers

VIOLATIONS = violations()


@pytest.mark.django_db
@pytest.mark.parametrize("violation", VIOLATIONS, ids=str)
def test_store_row_that_violates_constraint_is_refused(violation: Violation) -> None:
    row = violation.forbidden_row()

    with refuses(violation.constraint):
        row.save(force_insert=True)


def test_every_constraint_is_violated() -> None:
    violated = {violation.constraint for violation in VIOLATIONS}

    assert (sorted(constraints() - violated), sorted(violated - constraints())) == ([], [])
