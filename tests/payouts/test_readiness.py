"""A cycle becomes ready once, when every contribution is settled in full."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from payouts.models import Contribution, Cycle
from payouts.queries.cycles import cycle as cycle_facts
from payouts.services.cycles import record_ready_cycles
from payouts.tasks import record_ready_cycles_task
from sandbox.seeding import seed_demo
from sunusav.core.models import TrailEntry
from sunusav.core.roles import sync_roles
from tests.factories.payouts import NOW, make_cycle, make_group, pay_contribution, pay_contributions
from tests.payouts.unchanged import nothing_changes


@pytest.mark.django_db
def test_record_ready_cycles_marks_a_fully_settled_cycle_once() -> None:
    cycle = make_cycle(make_group(members=2))
    pay_contributions(cycle)

    assert record_ready_cycles(now=NOW) == 1
    cycle.refresh_from_db()
    assert (cycle.state, cycle.ready_at) == ("ready", NOW)
    entry = TrailEntry.objects.get(subject=f"cycle:{cycle.pk}", action="complete")
    assert (entry.from_state, entry.to_state, entry.actor_label) == (
        "collecting", "ready", "system:payouts.readiness",
    )  # fmt: skip
    with nothing_changes():
        assert record_ready_cycles(now=NOW) == 0


@pytest.mark.django_db
def test_seeding_the_demo_again_makes_a_cycle_ready_whose_wake_up_was_lost(tmp_path: Path) -> None:
    cycle = make_cycle(make_group(members=2))
    pay_contributions(cycle)

    sync_roles()
    seed_demo(tmp_path, now=NOW)

    cycle.refresh_from_db()
    assert cycle.state == "ready"


@pytest.mark.django_db
def test_record_ready_cycles_leaves_a_cycle_with_one_msat_missing() -> None:
    cycle = make_cycle(make_group(members=2))
    pay_contribution(cycle, "user-0")
    pay_contribution(cycle, "user-1", received_msat=9_999_999)
    with nothing_changes():
        assert record_ready_cycles(now=NOW) == 0
    assert cycle_facts(cycle.pk).contributions_settled == 1


@pytest.mark.django_db
def test_record_ready_cycles_with_a_contribution_checks_its_cycle_only() -> None:
    group = make_group(members=1)
    first, second = make_cycle(group), make_cycle(group)
    pay_contributions(first)
    pay_contributions(second)
    contribution = Contribution.objects.get(cycle=second)

    assert record_ready_cycles(now=NOW, contribution_id=contribution.pk) == 1
    assert [cycle_facts(one.pk).status for one in (first, second)] == ["collecting", "ready"]


@pytest.mark.django_db
def test_task_accepts_the_text_of_a_wake_up_and_no_argument() -> None:
    group = make_group(members=1)
    first, second = make_cycle(group), make_cycle(group)
    pay_contributions(first)
    pay_contributions(second)

    assert record_ready_cycles_task(str(Contribution.objects.get(cycle=second).pk)) == 1
    assert record_ready_cycles_task() == 1
    assert record_ready_cycles_task(str(10**18)) == 0


@pytest.mark.usefixtures("plugins")
class TestReadinessProperty(TestCase):
    """With any amounts in any order, a cycle is ready if and only if each member paid at least what is due."""

    @settings(max_examples=20, deadline=None)
    @given(
        received=st.lists(st.sampled_from([None, 1, 2_999, 3_000, 3_001, 10_000]), min_size=1, max_size=5),
        order=st.randoms(use_true_random=False),
    )
    def test_ready_if_and_only_if_all_settled(self, received: list[int | None], order: object) -> None:
        cycle = make_cycle(make_group(members=len(received)), contribution_sats=3)
        paid = [(f"user-{number}", msat) for number, msat in enumerate(received) if msat is not None]
        order.shuffle(paid)  # type: ignore[attr-defined]
        for user_id, msat in paid:
            assert Cycle.objects.get(pk=cycle.pk).state == "collecting"
            pay_contribution(cycle, user_id, received_msat=msat)
            record_ready_cycles(now=NOW)

        is_complete = all(msat is not None and msat >= 3_000 for msat in received)
        assert (Cycle.objects.get(pk=cycle.pk).state == "ready") == is_complete
