"""A switch-off by another connection, committed just before the last look of a send: nothing leaves."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connection, connections, transaction

from sunusav.core.models import TrailEntry
from tests.support.locks import wait_until_blocked
from tests.transfers.builders import BY, NOW, PREPARED, claimed, instruction_of, ordered, run, snapshot
from tests.transfers.rails import SteeredRail, Watch
from tests.transfers.test_limits_concurrency import at_once
from transfers.engine.claims import may_send
from transfers.engine.opening import Opening, open_attempts
from transfers.errors import RailCredentialsRefused
from transfers.services.switches import switch_of, switch_off, switch_off_for_credentials

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


def switch_off_elsewhere() -> None:
    """Switch the rail off by a connection of its own, and commit."""

    def off() -> None:
        try:
            switch_off(provider="lightning", actor=BY, reason="odd answers", now=NOW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as other:
        other.submit(off).result()


def test_switch_off_committed_before_the_last_look_stops_the_send(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    order = node.prepare(instruction_of(disbursement_id), now=watch())
    claim = claimed(disbursement_id, watch)
    open_attempts([Opening(claim, order, 1)], now=watch())

    switch_off_elsewhere()

    assert may_send([claim], now=watch()) == [False]


def test_payment_whose_rail_another_connection_switches_off_is_not_sent(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    node.meanwhile["prepare"] = switch_off_elsewhere

    run(watch)

    assert (node.sends, snapshot(disbursement_id)) == (0, PREPARED)


def test_switch_off_that_is_not_committed_yet_counts_sends_that_pass_meanwhile(
    node: SteeredRail, watch: Watch
) -> None:
    """The last look waits for no lock: a switch-off that is under way never keeps a worker waiting."""
    claim = claimed(ordered(), watch)
    with ThreadPoolExecutor(1) as other, transaction.atomic():
        switch_off(provider="lightning", actor=BY, reason="odd answers", now=NOW)

        def look() -> list[bool]:
            try:
                return may_send([claim], now=watch())
            finally:
                connections.close_all()

        assert other.submit(look).result() == [True]
    assert may_send([claim], now=watch()) == [False]


def test_refusals_at_once_switch_the_rail_off_once() -> None:
    refusal = RailCredentialsRefused(rail="lightning", detail="wrong PIN")
    at_once([partial(switch_off_for_credentials, refusal, asked_at=NOW, now=NOW) for _ in range(8)])

    assert switch_of("lightning").code == "rail-credentials-refused"
    assert TrailEntry.objects.filter(subject="rail:lightning").count() == 1


def test_person_and_engine_at_once_leave_both_reasons() -> None:
    refusal = RailCredentialsRefused(rail="lightning", detail="wrong PIN")
    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            switch_off(provider="lightning", actor=BY, reason="odd answers", now=NOW)

            def refuse() -> None:
                try:
                    switch_off_for_credentials(refusal, asked_at=NOW, now=NOW)
                finally:
                    connections.close_all()

            later = other.submit(refuse)
            wait_until_blocked(connection)
        later.result()

    row = switch_of("lightning")
    assert (row.is_on, row.reason, row.code) == (False, "odd answers", "rail-credentials-refused")
