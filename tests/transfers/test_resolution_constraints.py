"""What the database itself refuses of answers and resolutions."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from tests.transfers.rails import SteeredRail, Watch
from tests.transfers.resolution_cases import PAID, Case
from tests.transfers.test_constraints import copy_of, refuses
from tests.transfers.unchanged import unchanged
from transfers.models import ManualResolution, ProviderAnswer, ResolvedAttempt

pytestmark = pytest.mark.django_db


@pytest.fixture
def resolved(node: SteeredRail, watch: Watch) -> ResolvedAttempt:
    case = Case(node, watch)
    case.approve(case.propose(PAID))
    return ResolvedAttempt.objects.get()


@pytest.mark.parametrize(
    "changes",
    [
        {"proof": ""}, {"cost_msat": None}, {"cost_msat": -1}, {"verdict": "perhaps"}, {"verdict": "not_paid"},
        {"verdict": "not_paid", "proof": ""}, {"verdict": "not_paid", "cost_msat": None},
    ],
)  # fmt: skip
def test_manualresolution_verdict_fits_its_facts(resolved: ResolvedAttempt, changes: dict[str, Any]) -> None:
    with refuses("manualresolution_verdict_fits_its_facts"):
        copy_of(resolved.resolution, **changes).save(force_insert=True)


def test_manualresolution_is_explained(resolved: ResolvedAttempt) -> None:
    with refuses("manualresolution_is_explained"):
        copy_of(resolved.resolution, explanation="").save(force_insert=True)


def test_provideranswer_kind_is_known(resolved: ResolvedAttempt) -> None:
    with refuses("provideranswer_kind_is_known"):
        copy_of(resolved.attempt.answers.first(), kind="paid").save(force_insert=True)


def test_resolvedattempt_four_eyes(resolved: ResolvedAttempt) -> None:
    with refuses("resolvedattempt_four_eyes"):
        copy_of(resolved, approver_id=resolved.proposer_id).save(force_insert=True)


def test_attempt_is_resolved_at_most_once(resolved: ResolvedAttempt) -> None:
    another, decided = copy_of(resolved.resolution), copy_of(resolved.proposal)
    another.save(force_insert=True)
    decided.save(force_insert=True)
    with refuses("attempt_id", column="attempt_id"):
        copy_of(resolved, resolution_id=another.pk, proposal_id=decided.pk).save(force_insert=True)


@pytest.mark.parametrize("model", [ProviderAnswer, ManualResolution, ResolvedAttempt])
@pytest.mark.parametrize("verb", ["update", "delete"])
def test_append_only_table_refuses_update_and_delete(
    model: Any, verb: str, resolved: ResolvedAttempt
) -> None:
    pk, table = model.objects.order_by("pk").first().pk, model._meta.db_table
    statement = {
        "update": f"UPDATE {table} SET attempt_id = attempt_id WHERE id = {pk}",
        "delete": f"DELETE FROM {table} WHERE id = {pk}",
    }[verb]
    with unchanged(), pytest.raises(DatabaseError, match=f"{table} is append-only"), transaction.atomic():
        connection.cursor().execute(statement)
