"""What a service has read before it waited for its lock is read again under it, on MariaDB."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from payouts.errors import MemberExists
from payouts.models import Cycle, Group, Member
from payouts.services.cycles import record_ready_cycles
from payouts.services.members import add_member
from sunusav.core.errors import DomainError
from tests.factories.payouts import ACTOR, NOW, MemberFactory, make_cycle, make_group, pay_contributions
from tests.support.locks import wait_until_blocked
from transfers.models import Collection

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
