"""Members leave, join again, and change their name or phone."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from payouts.errors import (
    GroupMissing,
    MemberExists,
    MemberLeft,
    MemberMissing,
    MemberNotOfGroup,
    WinnerNotMember,
)
from payouts.models import Contribution, Cycle, Member
from payouts.queries.groups import member, members_of
from payouts.queries.people import person, phone_replaced_at
from payouts.services.cycles import set_destination
from payouts.services.members import add_member, change_member, remove_member
from payouts.services.payouts import schedule_payout
from sunusav.core.models import TrailEntry
from sunusav.core.privacy import PersonErased, erase
from tests.factories.payouts import ACTOR, NOW, make_cycle, make_group, make_ready_cycle, process
from tests.fakes.rail import ScriptedRail, invoice
from tests.payouts.unchanged import nothing_changes
from transfers.engine.runner import run_due
from transfers.models import Disbursement
from transfers.types import Destination

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)
DAY = timedelta(hours=24)
PHONE, NEW_PHONE = "+221771234567", "+221779999999"


def leave(user_id: str = "user-0", *, group_id: str = "g-1", now: datetime = LATER) -> None:
    remove_member(group_id=group_id, user_id=user_id, actor=ACTOR, now=now)


def join(user_id: str = "user-0", *, group_id: str = "g-1", phone: str = PHONE) -> None:
    add_member(
        group_id=group_id,
        user_id=user_id,
        display_name="Binta Sow",
        phone=phone,
        actor=ACTOR,
        now=LATER + DAY,
    )


def change(user_id: str = "user-0", *, now: datetime = LATER, **fields: str) -> None:
    change_member(user_id=user_id, **fields, actor=ACTOR, now=now)


def last_entry(action: str) -> TrailEntry:
    return TrailEntry.objects.filter(action=action).latest("pk")


# Leaving and joining again


def test_member_who_left_is_in_no_cycle_created_from_then_on() -> None:
    group = make_group(members=3, id="g-1")
    before = make_cycle(group)

    leave("user-2")
    after = make_cycle(group)

    assert members_of("g-1") == ["user-0", "user-1"]
    assert member("g-1", "user-2").left_at == LATER
    assert [cycle.members_count for cycle in (before, after)] == [3, 2]
    assert set(Contribution.objects.filter(cycle=before).values_list("user_id", flat=True)) == {
        "user-0", "user-1", "user-2",
    }  # fmt: skip
    entry = last_entry("remove_member")
    assert (entry.subject, entry.facts) == ("group:g-1", {"user_id": "user-2"})


def test_member_who_left_wins_no_new_cycle() -> None:
    group = make_group(members=2, id="g-1")
    leave("user-0")
    with nothing_changes(), pytest.raises(WinnerNotMember):
        make_cycle(group)


def test_member_who_left_one_group_stays_in_another() -> None:
    make_group(members=1, id="g-1")
    make_group(members=1, id="g-2")

    leave()

    assert (members_of("g-1"), members_of("g-2")) == ([], ["user-0"])
    assert person("user-0").groups == ("g-2",)


def test_joining_again_renews_name_and_phone() -> None:
    make_group(members=1, id="g-1")
    leave()

    join()

    row = Member.objects.get()
    assert (row.added_at, row.left_at, row.phone_replaced_at) == (LATER + DAY, None, None)
    assert member("g-1", "user-0").masked_name == "B. S."
    assert members_of("g-1") == ["user-0"]
    assert last_entry("add_member").facts == {"user_id": "user-0"}
    with nothing_changes(), pytest.raises(MemberExists):
        join()


def test_removing_a_member_twice_is_refused() -> None:
    make_group(members=1, id="g-1")
    leave()
    with nothing_changes(), pytest.raises(MemberLeft) as refused:
        leave(now=LATER + DAY)
    assert refused.value.facts == {"group_id": "g-1", "user_id": "user-0", "left_at": LATER}


def test_removing_nobody_is_refused() -> None:
    make_group(members=1, id="g-1")
    make_group(members=2, id="g-2")
    with nothing_changes(), pytest.raises(MemberNotOfGroup) as refused:
        leave("user-1")
    assert refused.value.facts == {"group_id": "g-1", "user_id": "user-1"}
    with nothing_changes(), pytest.raises(GroupMissing):
        leave(group_id="g-9")


# A person's name and phone


def test_new_phone_is_the_persons_in_all_groups() -> None:
    make_group(members=1, id="g-1")
    make_group(members=2, id="g-2")

    change(phone=NEW_PHONE)

    shown = [member(group_id, "user-0").masked_phone for group_id in ("g-1", "g-2")]
    assert shown == ["+22177•••••99", "+22177•••••99"]
    assert (phone_replaced_at("user-0"), phone_replaced_at("user-1")) == (LATER, None)
    assert member("g-2", "user-1").masked_phone == "+22177•••••67"
    entry = last_entry("change_member")
    assert (entry.subject, entry.facts) == ("member:user-0", {"phone_changed": True, "phone_replaced": True})


def test_new_name_starts_no_wait() -> None:
    make_group(members=1, id="g-1")

    change(display_name="Binta Sow")

    assert (person("user-0").masked_name, phone_replaced_at("user-0")) == ("B. S.", None)
    assert last_entry("change_member").facts == {"name_changed": True}


def test_the_same_name_and_phone_again_change_nothing() -> None:
    make_group(members=1, id="g-1")
    with nothing_changes():
        change(display_name="Awa Ndiaye", phone=PHONE)


def test_changing_the_phone_back_is_another_replacement() -> None:
    make_group(members=1, id="g-1")
    change(phone=NEW_PHONE)

    change(phone=PHONE, now=LATER + DAY)

    assert phone_replaced_at("user-0") == LATER + DAY


def test_changing_nobody_or_an_erased_person_is_refused() -> None:
    make_group(members=1, id="g-1")
    with nothing_changes(), pytest.raises(MemberMissing) as refused:
        change("nobody", phone=NEW_PHONE)
    assert refused.value.facts == {"user_id": "nobody"}
    erase("member:user-0", now=NOW)
    with nothing_changes(), pytest.raises(PersonErased):
        change(phone=NEW_PHONE)
    make_group(members=0, id="g-2")
    with nothing_changes(), pytest.raises(PersonErased):
        join(group_id="g-2")


@pytest.mark.parametrize("first", ["", PHONE])
def test_joining_with_a_phone_the_person_did_not_have_replaces_it(first: str) -> None:
    """Leaving and joining with another phone is no way around the wait, nor is joining without one in between."""
    make_group(members=1, id="g-1")
    leave()
    if not first:
        join(phone="")
        assert phone_replaced_at("user-0") is None
        leave(now=LATER + DAY)

    join(phone=NEW_PHONE)

    assert phone_replaced_at("user-0") == LATER + DAY
    assert last_entry("add_member").facts == {"user_id": "user-0", "phone_replaced": True}


def test_first_phone_of_a_person_is_no_replacement() -> None:
    make_group(members=0, id="g-1")
    join()
    assert phone_replaced_at("user-0") is None


# The wait of a payout to a phone. A cycle of ten collects 100,000 sats; the winner's net is 99,000.


class PhoneRail(ScriptedRail):
    """A rail whose destinations are of kind `phone`, each with the value of an invoice."""

    name = "wave"
    destination_kinds = ("phone",)


@pytest.fixture
def phone_rail(settings: Settings, node: ScriptedRail) -> None:
    settings.RAILS = {**settings.RAILS, "wave": "tests.payouts.test_members.PhoneRail"}


def to_phone(name: str) -> Destination:
    return replace(invoice(name, 99_000), rail="wave", kind="phone")


def paid(cycle: Cycle, *, at: datetime) -> Disbursement:
    payout_id = process(cycle, now=at)
    run_due(slots=1, clock=lambda: at)
    return Disbursement.objects.get(pk=payout_id)


@pytest.mark.usefixtures("phone_rail")
def test_payout_to_a_phone_waits_24_hours_after_the_winners_phone_was_replaced() -> None:
    """It is the cycle's first destination, set before the cycle was ready or after it: the new phone counts."""
    cycle = make_ready_cycle()
    change(phone=NEW_PHONE)
    set_destination(cycle_id=cycle.pk, destination=to_phone("p@p"), actor=ACTOR, now=LATER)

    payout = paid(cycle, at=LATER + timedelta(hours=1))

    assert (payout.state, payout.failure_code) == ("processing", "destination-cooling-off")
    assert payout.due_at == LATER + DAY
    assert payout.destinations.get().replaced_at == LATER
    assert Cycle.objects.get().destination_replaced_at is None


@pytest.mark.usefixtures("phone_rail")
def test_payout_to_a_phone_that_was_never_replaced_is_paid_at_once() -> None:
    cycle = make_ready_cycle(destination=to_phone("p@p"))
    change("user-1", phone=NEW_PHONE)
    assert paid(cycle, at=LATER).state == "completed"


def test_payout_by_an_invoice_does_not_wait_for_a_phone(node: ScriptedRail) -> None:
    cycle = make_ready_cycle(destination=invoice("p@p", 99_000))
    change(phone=NEW_PHONE)
    assert paid(cycle, at=LATER).state == "completed"


@pytest.mark.usefixtures("phone_rail")
def test_payout_redirected_to_a_phone_waits_too() -> None:
    cycle = make_ready_cycle(destination=invoice("p@p", 99_000))
    payout_id = schedule_payout(cycle_id=cycle.pk, scheduled_at=LATER + DAY, actor=ACTOR, now=NOW)
    change(phone=NEW_PHONE, now=LATER + timedelta(hours=2))

    set_destination(cycle_id=cycle.pk, destination=to_phone("p@p"), actor=ACTOR, now=NOW + timedelta(hours=2))

    payout = Disbursement.objects.get(pk=payout_id)
    assert payout.destinations.get().replaced_at == LATER + timedelta(hours=2)


@pytest.mark.usefixtures("phone_rail")
def test_the_later_of_both_replacements_counts() -> None:
    cycle = make_ready_cycle(destination=to_phone("p@p"))
    change(phone=NEW_PHONE)
    set_destination(
        cycle_id=cycle.pk, destination=to_phone("q@q"), actor=ACTOR, now=LATER + timedelta(hours=2)
    )

    payout = paid(cycle, at=LATER + timedelta(hours=3))

    assert payout.due_at == LATER + timedelta(hours=2) + DAY
