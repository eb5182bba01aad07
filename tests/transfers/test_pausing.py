"""Pausing outgoing money says how many sends had passed their last look and may still leave."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from sunusav.api.health import components
from sunusav.core import clock, switches
from sunusav.core.roles import Role
from tests.factories.users import client_in
from tests.transfers.builders import BY, ordered, run
from tests.transfers.rails import SteeredRail, Watch
from transfers.queries import sends_that_may_leave
from transfers.types import Unknown

pytestmark = pytest.mark.django_db


def test_a_send_may_leave_from_its_last_look_until_its_answer(node: SteeredRail, watch: Watch) -> None:
    counted: list[int] = []
    node.meanwhile["prepare"] = lambda: counted.append(switches.sends_that_may_leave(watch()))
    node.meanwhile["send"] = lambda: counted.append(switches.sends_that_may_leave(watch()))
    ordered()

    run(watch)

    assert [*counted, switches.sends_that_may_leave(watch())] == [0, 1, 0]


def test_a_send_without_an_answer_may_leave_until_its_latest_moment(node: SteeredRail, watch: Watch) -> None:
    node.script.append(Unknown(seen=False, reason="connection-lost"))
    ordered()
    run(watch)

    watch.advance(29)
    assert sends_that_may_leave(watch()) == 1
    watch.advance(1)
    assert sends_that_may_leave(watch()) == 0


def test_a_payment_that_the_provider_has_is_no_send_that_may_leave(node: SteeredRail, watch: Watch) -> None:
    node.script.append(Unknown(seen=True, reason="in-flight"))
    ordered()
    run(watch)

    assert sends_that_may_leave(watch()) == 0


@pytest.fixture
def leaving(node: SteeredRail) -> None:
    """Leave one send without an answer."""
    now = clock.now()
    node.script.append(Unknown(seen=False, reason="connection-lost"))
    ordered(at=now)
    run(Watch(now))


def test_pause_by_api_answers_how_many_sends_may_leave(leaving: None) -> None:
    answer = client_in(Role.OPERATOR).post("/monetization/outgoing/pause", {"reason": "odd"})

    assert (answer.status_code, answer.json()["sends_that_may_leave"]) == (200, 1)


def test_pause_by_command_prints_how_many_sends_may_leave(leaving: None) -> None:
    output = StringIO()
    call_command("pause_outgoing", "odd", stdout=output)

    assert output.getvalue().splitlines()[1] == (
        "1 sends had passed their last look before and may still leave"
    )


def test_health_has_how_many_sends_may_leave_while_outgoing_money_is_paused(leaving: None) -> None:
    def facts() -> dict[str, Any]:
        return components(now=clock.now())["outgoing"]

    assert facts() == {"status": "ok"}
    switches.pause_outgoing(actor=BY, reason="odd", now=clock.now())
    assert facts()["sends_that_may_leave"] == 1
