"""What a service has read before it waited for its lock is read again under it, on MariaDB."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from ledger.enums import AccountRole, Currency
from ledger.services import post, require_owed
from ledger.types import AccountRef, credit, debit
from payouts.errors import MemberExists, MemberNotErasable
from payouts.models import Cycle, Group, Member
from payouts.services.cycles import record_ready_cycles
from payouts.services.erasure import propose_erasure
from payouts.services.members import add_member, change_member
from sunusav.core.approvals import approve
from sunusav.core.errors import DomainError
from sunusav.core.privacy import PersonErased, erase, is_erased, lock_person
from sunusav.core.roles import Role
from tests.factories.payouts import ACTOR, NOW, MemberFactory, make_cycle, make_group, pay_contributions
from tests.factories.users import make_user
from tests.support.locks import wait_until_blocked
from transfers.models import Collection
from transfers.services.credit_transfers import propose_credit_transfer
from transfers.types import credit_of

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


def meanwhile(lock: Callable[[], object], work: Callable[[], Any], change: Callable[[], object]) -> Any:
    """Start work, which waits for the lock; change something, then let it go on. Return its result or refusal."""

    def run() -> Any:
        try:
            return work()
        except DomainError as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            lock()
            working = pool.submit(run)
            wait_until_blocked(connection)
            change()
        return working.result(60)


def test_member_added_by_another_at_the_same_time_is_refused_by_name() -> None:
    group = make_group(members=1)

    refusal = meanwhile(
        lambda: Group.objects.select_for_update().get(pk=group.pk),
        lambda: add_member(group_id=group.pk, user_id="u", display_name="Awa", actor=ACTOR, now=NOW),
        lambda: MemberFactory.create(group=group, user_id="u"),
    )

    assert isinstance(refusal, MemberExists)
    assert Member.objects.filter(user_id="u").count() == 1


def erasure_of(user_id: str) -> Callable[[], Any]:
    proposal = propose_erasure(user_id=user_id, reason="asked", proposer=make_user(Role.FINANCE), now=NOW)
    approver = make_user(Role.APPROVER)
    return lambda: approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=NOW)


def test_cycle_created_while_an_erasure_waits_for_the_group_refuses_it() -> None:
    group = make_group(members=2)

    refusal = meanwhile(
        lambda: Group.objects.select_for_update().get(pk=group.pk),
        erasure_of("user-0"),
        lambda: make_cycle(group),
    )

    assert isinstance(refusal, MemberNotErasable)
    assert refusal.facts["open_cycles"] == 1
    assert not is_erased("member:user-0")


def test_credit_that_arrives_while_an_erasure_waits_for_it_refuses_it() -> None:
    make_group(members=1)
    lines = [debit(AccountRef(AccountRole.NODE, Currency.MSAT), 10), credit(credit_of("user-0"), 10)]

    refusal = meanwhile(
        lambda: require_owed({credit_of("user-0"): 0}, now=NOW),
        erasure_of("user-0"),
        lambda: post(kind="test", reference="credit", lines=lines, at=NOW, subject="test"),
    )

    assert isinstance(refusal, MemberNotErasable)
    assert refusal.facts["credit_msat"] == 10


def test_phone_replaced_while_the_member_joins_again_stays_replaced() -> None:
    """They join with the new phone, which is theirs by the time: when it was replaced is not lost."""
    group = make_group(members=1)
    Member.objects.update(left_at=NOW)
    joined = {"user_id": "user-0", "display_name": "Awa", "phone": "+221779999999"}

    meanwhile(
        lambda: lock_person("member:user-0"),
        lambda: add_member(group_id=group.pk, **joined, actor=ACTOR, now=NOW + timedelta(hours=2)),
        lambda: change_member(
            user_id="user-0", phone=joined["phone"], actor=ACTOR, now=NOW + timedelta(hours=1)
        ),
    )

    row = Member.objects.get()
    assert (row.left_at, row.phone_replaced_at) == (None, NOW + timedelta(hours=1))


@pytest.mark.parametrize("waiting", ["join", "change", "transfer"])
def test_erased_while_something_of_theirs_waits_for_their_key(waiting: str) -> None:
    """Nobody writes a name, a phone or credit of a person who is being erased."""
    make_group(members=2)
    other = make_group(members=0)
    lines = [debit(AccountRef(AccountRole.NODE, Currency.MSAT), 10), credit(credit_of("user-1"), 10)]
    post(kind="test", reference="credit", lines=lines, at=NOW, subject="test")
    finance = make_user(Role.FINANCE)
    work: dict[str, Callable[[], Any]] = {
        "join": lambda: add_member(
            group_id=other.pk, user_id="user-0", display_name="Awa", actor=ACTOR, now=NOW
        ),
        "change": lambda: change_member(user_id="user-0", phone="+221779999999", actor=ACTOR, now=NOW),
        "transfer": lambda: propose_credit_transfer(
            from_user_id="user-1",
            to_user_id="user-0",
            reference="x",
            explanation="x",
            proposer=finance,
            now=NOW,
        ),
    }
    members = list(Member.objects.order_by("pk").values())

    refusal = meanwhile(
        lambda: lock_person("member:user-0"), work[waiting], lambda: erase("member:user-0", now=NOW)
    )

    assert isinstance(refusal, PersonErased)
    assert list(Member.objects.order_by("pk").values()) == members


def test_cycle_whose_contribution_is_open_again_under_the_lock_stays_collecting() -> None:
    cycle = make_cycle(make_group(members=2))
    pay_contributions(cycle)

    recorded = meanwhile(
        lambda: Cycle.objects.select_for_update().get(pk=cycle.pk),
        lambda: record_ready_cycles(now=NOW),
        lambda: Collection.objects.filter(pk=Collection.objects.latest("pk").pk).update(
            state="partial", settled_at=None, received=1
        ),
    )

    assert (recorded, Cycle.objects.get().state) == (0, "collecting")
