"""Rows that break the constraints of groups' members, cycles and contributions."""

from payouts.models import Contribution, Cycle
from tests.factories.payouts import NOW, MemberFactory, make_cycle, make_group
from tests.support.constraints import Violation


def cycle() -> Cycle:
    return make_cycle(make_group(members=1))


def contribution() -> Contribution:
    return Contribution.objects.get(cycle=cycle())


VIOLATIONS = [
    Violation("member_once_per_group", MemberFactory.create, {}),
    Violation("cycle_index_used_once_per_group", cycle, {"id": "another"}),
    Violation("cycle_contribution_is_positive", cycle, {"contribution_sats": 0}),
    Violation("cycle_has_members", cycle, {"members_count": 0}),
    Violation("cycle_ready_has_moment", cycle, {"state": "ready"}),
    Violation("cycle_ready_has_moment", cycle, {"ready_at": NOW}),
    Violation("cycle_ready_has_moment", cycle, {"state": "paid", "ready_at": NOW}),
    Violation("cycle_destination_replaced_once_ready", cycle, {"destination_replaced_at": NOW}),
    Violation("cycle_destination_is_whole", cycle, {"destination_rail": "lightning"}),
    Violation(
        "cycle_destination_is_whole",
        cycle,
        {"destination_rail": "lightning", "destination_kind": "bolt11", "destination_value": "x"},
    ),
    Violation("contribution_once_per_member_and_cycle", contribution, {}),
    Violation("contribution_amount_is_positive", contribution, {"amount_sats": 0}),
]
