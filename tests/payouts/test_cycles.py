"""Cycles: created, their winner's destination set, contributions requested."""

from datetime import timedelta

import pytest

from ledger.queries import owed
from lightning.errors import (
    InvoiceExpired,
    InvoiceForAnotherNetwork,
    InvoiceUnreadable,
    InvoiceWithoutAmount,
)
from payouts.calculations import pot_of
from payouts.errors import (
    ContributionMissing,
    ContributionRequestedByOtherMethod,
    ContributionSettled,
    CycleAlreadyPaid,
    CycleExists,
    CycleIndexTaken,
    CycleMissing,
    DestinationLocked,
    GroupMissing,
    GroupWithoutMembers,
    PotExceedsBitcoinSupply,
    WinnerNotMember,
)
from payouts.models import Contribution, Cycle
from payouts.queries.cycles import contribution, contributions_page, expected_net_sats
from payouts.queries.cycles import cycle as cycle_facts
from payouts.services.contributions import open_contribution
from payouts.services.cycles import create_cycle, set_destination
from payouts.services.members import add_member
from payouts.services.payouts import cancel_payout
from sunusav.core.models import TrailEntry
from sunusav.core.money import MAX_SATS
from sunusav.core.roles import Role
from tests.factories.payouts import (
    ACTOR,
    NOW,
    make_cycle,
    make_group,
    make_payable_cycle,
    make_ready_cycle,
    pay_contribution,
    process,
    verify,
)
from tests.factories.users import make_user
from tests.fakes.collector import ScriptedCollector
from tests.fakes.rail import FakeInvoice, ScriptedRail, invoice
from tests.payouts.unchanged import nothing_changes
from tests.support.opened import destination_of, opened
from transfers.collectors import collector
from transfers.engine.runner import run_due
from transfers.enums import FailureClass
from transfers.errors import (
    CollectorUnavailable,
    CollectorUnknown,
    DestinationAmountDiffers,
    DestinationKindUnsupported,
    PaymentReferenceUsed,
    RailUnknown,
)
from transfers.models import Collection
from transfers.queries import disbursement_for
from transfers.types import Destination, Refused, Unknown, credit_of

pytestmark = pytest.mark.django_db


def _create(group_id: str, **fields: object) -> None:
    given = {
        "cycle_id": "c-1", "cycle_index": 1, "contribution_sats": 10_000, "winner_user_id": "user-0", **fields,
    }  # fmt: skip
    create_cycle(group_id=group_id, **given, actor=ACTOR, now=NOW)  # type: ignore[arg-type]


# Creation


def test_create_cycle_makes_one_pending_contribution_per_member_of_that_moment() -> None:
    group = make_group(members=3)
    _create(group.pk)
    add_member(group_id=group.pk, user_id="late", display_name="L", actor=ACTOR, now=NOW)

    row = cycle_facts("c-1")
    assert (row.status, row.members_count, row.payout_total_sats) == ("collecting", 3, 30_000)
    owed_by = {
        one.user_id: (one.amount_sats, one.status) for one in contributions_page(None, 9, cycle_id="c-1")
    }
    assert owed_by == {f"user-{number}": (10_000, "pending") for number in range(3)}
    assert TrailEntry.objects.get(subject="cycle:c-1").facts["members"] == 3


def test_create_cycle_without_members_is_refused() -> None:
    group = make_group(members=0)
    with nothing_changes(), pytest.raises(GroupWithoutMembers) as refused:
        _create(group.pk)
    assert refused.value.facts == {"group_id": group.pk}


def test_create_cycle_for_a_winner_who_is_no_member_is_refused() -> None:
    group = make_group(members=2)
    with nothing_changes(), pytest.raises(WinnerNotMember) as refused:
        _create(group.pk, winner_user_id="USER-0")
    assert refused.value.facts == {"group_id": group.pk, "winner_user_id": "USER-0"}


def test_create_cycle_with_a_taken_index_is_refused_naming_the_other() -> None:
    group = make_group(members=1)
    _create(group.pk)
    with nothing_changes(), pytest.raises(CycleIndexTaken) as refused:
        _create(group.pk, cycle_id="c-2")
    assert refused.value.facts == {"group_id": group.pk, "cycle_index": 1, "cycle_id": "c-1"}


def test_create_cycle_with_a_taken_id_is_refused() -> None:
    _create(make_group(members=1).pk)
    other = make_group(members=1)
    with nothing_changes(), pytest.raises(CycleExists) as refused:
        _create(other.pk, cycle_index=7)
    assert refused.value.facts == {"cycle_id": "c-1"}


def test_create_cycle_of_an_unknown_group_is_refused() -> None:
    with nothing_changes(), pytest.raises(GroupMissing):
        _create("nobody")


def test_create_cycle_whose_pot_exceeds_all_bitcoin_is_refused() -> None:
    group = make_group(members=2)
    with nothing_changes(), pytest.raises(PotExceedsBitcoinSupply) as refused:
        _create(group.pk, contribution_sats=MAX_SATS // 2 + 1)
    assert refused.value.facts == {"payout_total_sats": MAX_SATS + 2, "maximum_sats": MAX_SATS}
    _create(group.pk, contribution_sats=MAX_SATS // 2)


# Destination


def _set(cycle: Cycle, destination: Destination) -> None:
    set_destination(cycle_id=cycle.pk, destination=destination, actor=ACTOR, now=NOW)


def test_set_destination_while_collecting_accepts_any_amount() -> None:
    cycle = make_cycle(make_group(members=2))
    _set(cycle, invoice("awa", 123))
    _set(cycle, invoice("awa-again", 19_800))

    assert destination_of(Cycle.objects.get(pk=cycle.pk)) == invoice("awa-again", 19_800)
    assert Cycle.objects.get(pk=cycle.pk).destination_set_at == NOW
    assert TrailEntry.objects.filter(subject=f"cycle:{cycle.pk}", action="set_destination").count() == 2


@pytest.mark.parametrize(
    ("destination", "refusal"),
    [
        (Destination("lightning", "bolt11", "lnbc nonsense"), InvoiceUnreadable),
        (invoice("x", 19_800, network="mainnet"), InvoiceForAnotherNetwork),
        (invoice("x", 19_800, expires_at=NOW - timedelta(seconds=1)), InvoiceExpired),
        (Destination("lightning", "bolt11", FakeInvoice("x", None).text), InvoiceWithoutAmount),
        (Destination("lightning", "phone", "+221771234567"), DestinationKindUnsupported),
        (Destination("wave", "phone", "+221771234567"), RailUnknown),
    ],
)
def test_set_destination_that_can_never_be_paid_is_refused_at_once(
    destination: Destination, refusal: type[Exception]
) -> None:
    cycle = make_cycle(make_group(members=2))
    with nothing_changes(), pytest.raises(refusal):
        _set(cycle, destination)


def test_set_destination_of_an_unknown_cycle_is_refused() -> None:
    with nothing_changes(), pytest.raises(CycleMissing) as refused:
        set_destination(cycle_id="c-9", destination=invoice("a", 1), actor=ACTOR, now=NOW)
    assert refused.value.facts == {"cycle_id": "c-9"}


def test_set_destination_with_a_hash_another_payout_used_is_refused() -> None:
    group = make_group(members=2)
    paid = make_ready_cycle(group, destination=invoice("used", 19_800))
    payout_id = process(paid)
    run_due(slots=1, clock=lambda: NOW)
    cycle = make_ready_cycle(group)
    with nothing_changes(), pytest.raises(PaymentReferenceUsed) as refused:
        _set(cycle, invoice("used", 19_800))
    assert refused.value.facts["disbursement_id"] == payout_id


def test_set_destination_of_a_paid_cycle_is_refused() -> None:
    cycle = make_payable_cycle(make_group(members=2), net_sats=19_800)
    payout_id = process(cycle)
    run_due(slots=1, clock=lambda: NOW)
    with nothing_changes(), pytest.raises(CycleAlreadyPaid) as refused:
        _set(cycle, invoice("other", 19_800))
    assert refused.value.facts["payout_id"] == payout_id


def test_set_destination_while_an_attempt_is_open_is_refused(node: ScriptedRail) -> None:
    cycle = make_payable_cycle(make_group(members=2), net_sats=19_800)
    payout_id = process(cycle)
    node.script.append(Unknown(seen=True, reason="in flight"))
    run_due(slots=1, clock=lambda: NOW)
    with nothing_changes(), pytest.raises(DestinationLocked) as refused:
        _set(cycle, invoice("other", 19_800))
    assert refused.value.facts == {"cycle_id": cycle.pk, "payout_id": payout_id}


def test_set_destination_redirects_a_failed_payout(node: ScriptedRail) -> None:
    cycle = make_payable_cycle(make_group(members=2), net_sats=19_800)
    process(cycle)
    node.script.append(Refused(reason="incorrect details", failure=FailureClass.FINAL))
    run_due(slots=1, clock=lambda: NOW)
    _set(cycle, invoice("fresh", 19_800))

    found = disbursement_for(f"cycle:{cycle.pk}")
    assert found is not None
    assert (found.state, opened(found.destination)) == ("failed", invoice("fresh", 19_800))


@pytest.mark.parametrize("sats", [19_799, 19_801])
def test_set_destination_of_another_amount_than_the_fixed_net_is_refused(
    node: ScriptedRail, sats: int
) -> None:
    cycle = make_payable_cycle(make_group(members=2), net_sats=19_800)
    process(cycle)
    node.script.append(Refused(reason="incorrect details", failure=FailureClass.FINAL))
    run_due(slots=1, clock=lambda: NOW)
    with nothing_changes(), pytest.raises(DestinationAmountDiffers) as refused:
        _set(cycle, invoice("fresh", sats))
    assert refused.value.facts == {"invoice_msat": sats * 1_000, "expected_msat": 19_800_000}


def test_set_destination_after_a_cancelled_payout_accepts_any_amount() -> None:
    cycle = make_payable_cycle(make_group(members=2), net_sats=19_800)
    payout_id = process(cycle)
    cancel_payout(payout_id=payout_id, user=make_user(Role.FINANCE), reason="x", now=NOW)
    _set(cycle, invoice("fresh", 1))

    assert destination_of(Cycle.objects.get(pk=cycle.pk)) == invoice("fresh", 1)


# Contributions


def _open(cycle: Cycle, user_id: str = "user-0", method: str = "lightning") -> int:
    return open_contribution(cycle_id=cycle.pk, user_id=user_id, method=method, actor=ACTOR, now=NOW).id


def test_open_contribution_again_returns_the_same_request(till: ScriptedCollector) -> None:
    cycle = make_cycle(make_group(members=2))
    first = open_contribution(cycle_id=cycle.pk, user_id="user-0", method="lightning", actor=ACTOR, now=NOW)
    _open(cycle)

    assert (first.status, first.amount_sats, first.method) == ("invoiced", 10_000, "lightning")
    assert first.payment_request.startswith("pay-")
    assert first.expires_at == NOW + timedelta(days=1)
    assert [request.amount.amount for request in till.requests.values()] == [10_000_000]
    assert contribution(cycle.pk, "user-1").status == "pending"


def test_open_contribution_of_a_user_who_owes_nothing_is_refused() -> None:
    cycle = make_cycle(make_group(members=1))
    with nothing_changes(), pytest.raises(ContributionMissing) as refused:
        _open(cycle, "user-9")
    assert refused.value.facts == {"cycle_id": cycle.pk, "user_id": "user-9"}


def test_open_contribution_of_an_unknown_cycle_is_refused() -> None:
    with nothing_changes(), pytest.raises(CycleMissing):
        open_contribution(cycle_id="c-9", user_id="u", method="lightning", actor=ACTOR, now=NOW)


def test_open_contribution_by_an_unknown_method_is_refused() -> None:
    cycle = make_cycle(make_group(members=1))
    with nothing_changes(), pytest.raises(CollectorUnknown) as refused:
        _open(cycle, method="mtn")
    assert refused.value.facts == {"method": "mtn", "known_methods": ["lightning", "wave"]}


def test_open_contribution_that_is_settled_is_refused() -> None:
    cycle = make_cycle(make_group(members=2))
    pay_contribution(cycle, "user-0")
    with nothing_changes(), pytest.raises(ContributionSettled) as refused:
        _open(cycle)
    owed_row = Contribution.objects.get(cycle=cycle, user_id="user-0")
    assert refused.value.facts == {"cycle_id": cycle.pk, "user_id": "user-0", "contribution_id": owed_row.pk}


def test_open_contribution_by_a_second_method_while_the_first_is_open_is_refused() -> None:
    cycle = make_cycle(make_group(members=2))
    _open(cycle)
    with nothing_changes(), pytest.raises(ContributionRequestedByOtherMethod) as refused:
        _open(cycle, method="wave")
    assert refused.value.facts == {
        "cycle_id": cycle.pk, "user_id": "user-0", "open_method": "lightning",
        "expires_at": NOW + timedelta(days=1),
    }  # fmt: skip


def test_open_contribution_by_a_second_method_while_the_first_was_never_opened() -> None:
    """Where nobody can have paid the first, the second replaces it; else it is refused."""
    cycle = make_cycle(make_group(members=2))
    for user_id, method in (("user-0", "lightning"), ("user-1", "wave")):
        unavailable = collector(method)
        assert isinstance(unavailable, ScriptedCollector)
        unavailable.is_unavailable = True
        with pytest.raises(CollectorUnavailable):
            _open(cycle, user_id, method)
        unavailable.is_unavailable = False

    _open(cycle, "user-0", "wave")
    with nothing_changes(), pytest.raises(ContributionRequestedByOtherMethod) as refused:
        _open(cycle, "user-1", "lightning")

    assert (refused.value.facts["open_method"], refused.value.facts["expires_at"]) == ("wave", None)
    first = contribution(cycle.pk, "user-0")
    assert (first.status, first.method) == ("invoiced", "wave")


def test_open_contribution_while_the_collector_is_unavailable_is_refused_and_works_later(
    till: ScriptedCollector,
) -> None:
    cycle = make_cycle(make_group(members=2))
    till.is_unavailable = True
    with pytest.raises(CollectorUnavailable):
        _open(cycle)
    assert contribution(cycle.pk, "user-0").status == "pending"
    assert owed(pot_of(cycle.pk)) == 0

    till.is_unavailable = False
    _open(cycle)
    assert contribution(cycle.pk, "user-0").status == "invoiced"
    assert Collection.objects.count() == 1


def test_overpayment_is_credited_to_the_member() -> None:
    cycle = make_cycle(make_group(members=2))
    pay_contribution(cycle, "user-0", received_msat=10_000_777)

    assert owed(pot_of(cycle.pk)) == 10_000_000
    assert owed(credit_of("user-0")) == 777
    assert contribution(cycle.pk, "user-0").status == "settled"


def test_contribution_paid_in_part_is_partial_and_not_in_the_pot_yet() -> None:
    cycle = make_cycle(make_group(members=2))
    pay_contribution(cycle, "user-0", received_msat=9_999_999)

    assert contribution(cycle.pk, "user-0").status == "partial"
    assert owed(pot_of(cycle.pk)) == 0


# The expected net


def test_expected_net_is_none_while_collecting_and_follows_the_records_when_ready() -> None:
    group = make_group(members=2)
    collecting = make_cycle(group, contribution_sats=50_000)
    ready = make_ready_cycle(group, contribution_sats=50_000)

    assert expected_net_sats(collecting.pk, at=NOW) is None
    assert expected_net_sats(ready.pk, at=NOW) == 99_000
    verify(group)
    assert expected_net_sats(ready.pk, at=NOW) == 99_500


def test_expected_net_of_a_payout_is_its_fixed_net() -> None:
    group = make_group(members=2)
    cycle = make_payable_cycle(group, contribution_sats=50_000)
    process(cycle)
    verify(group)

    assert expected_net_sats(cycle.pk, at=NOW) == 99_000
