"""The switch of a provider: one person switches it off at once, two people switch it on again."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from sunusav.core.actors import Actor
from sunusav.core.approvals import (
    ApproverIsProposer,
    NotAllowedToDecide,
    ProposalFactsChanged,
    approve,
    propose,
)
from sunusav.core.health import DEGRADED
from sunusav.core.models import OutboxMessage, TrailEntry
from sunusav.core.roles import Role
from tests.factories.users import make_user
from tests.transfers.builders import BY, NOW
from tests.transfers.rails import Watch
from tests.transfers.switching import approved, proposed_on, switched_off, switched_on
from tests.transfers.unchanged import unchanged
from transfers.engine.switching import switch_on
from transfers.enums import PROVIDER_SWITCH_ON
from transfers.errors import CollectorCredentialsRefused, RailCredentialsRefused
from transfers.health import HEALTH_CHECKS
from transfers.metrics import METRICS
from transfers.models import ProviderSwitch
from transfers.services.switches import switch_of, switch_off, switch_off_for_credentials
from transfers.switch_errors import ProviderNotSwitchedOff, ProviderUnknown

pytestmark = pytest.mark.django_db

REFUSED = RailCredentialsRefused(rail="lightning", detail="key revoked")


def trail() -> list[tuple[str, str, str, str]]:
    """Return action, states and reason of what the trail has about the rail."""
    lines = TrailEntry.objects.filter(subject="rail:lightning").order_by("pk")
    return list(lines.values_list("action", "from_state", "to_state", "reason"))


def refuse(at: Any = NOW, *, asked_at: Any = None) -> None:
    switch_off_for_credentials(REFUSED, asked_at=asked_at or at, now=at)


def test_provider_is_on_until_it_is_switched_off() -> None:
    assert switch_of("lightning").is_on
    assert not ProviderSwitch.objects.exists()


def test_switch_off_stores_who_when_and_why(watch: Watch, settings: Settings) -> None:
    settings.PLATFORM_WEBHOOK_URL = "https://platform.example/hooks"

    switched_off(watch)

    row = switch_of("lightning")
    assert (row.is_on, row.reason, row.code, row.changed_by, row.changed_at) == (
        False, "odd answers", "", BY.label, NOW,
    )  # fmt: skip
    assert trail() == [("switch_off", "on", "off", "odd answers")]
    message = OutboxMessage.objects.get()
    assert (message.topic, message.subject) == ("rail.switched_off", "rail:lightning")
    assert message.payload == {"rail": "lightning", "state": "off", "code": ""}


def test_switch_off_of_an_unknown_provider_is_refused(watch: Watch) -> None:
    with unchanged(), pytest.raises(ProviderUnknown) as refusal:
        switched_off(watch, "wafe")
    assert refusal.value.facts == {
        "provider": "wafe", "known_providers": ["franc", "lightning", "wave"],
    }  # fmt: skip


def test_switching_off_again_for_another_reason_adds_it_and_for_the_same_changes_nothing(
    watch: Watch,
) -> None:
    switched_off(watch)
    watch.advance(60)
    switched_off(watch)
    assert switch_of("lightning").changed_at == NOW
    switched_off(watch, reason="wallet closed")
    assert switch_of("lightning").reason == "odd answers | wallet closed"
    assert [line[1:3] for line in trail()] == [("on", "off"), ("off", "off")]


def test_two_people_switch_it_on(watch: Watch, settings: Settings) -> None:
    switched_off(watch)
    settings.PLATFORM_WEBHOOK_URL = "https://platform.example/hooks"
    watch.advance(60)

    switched_on(watch)

    row = switch_of("lightning")
    assert (row.is_on, row.code, row.facts, row.changed_at) == (True, "", {}, watch())
    assert trail()[1:] == [("switch_on", "off", "on", "")]
    assert OutboxMessage.objects.get().topic == "rail.switched_on"


def test_the_proposer_does_not_approve_it(watch: Watch) -> None:
    switched_off(watch)
    proposal = proposed_on(watch)
    with unchanged(), pytest.raises(ApproverIsProposer):
        approve(proposal_id=proposal.pk, approver=proposal.proposer, digest=proposal.digest, now=NOW)
    assert not switch_of("lightning").is_on


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR, Role.PLATFORM])
def test_only_finance_and_the_operator_propose_it(watch: Watch, role: Role) -> None:
    switched_off(watch)
    person = make_user(role)
    with unchanged(), pytest.raises(NotAllowedToDecide):
        propose(kind=PROVIDER_SWITCH_ON, subject_id="lightning", proposer=person, now=NOW)


def test_a_provider_that_is_on_cannot_be_proposed(watch: Watch) -> None:
    person = make_user(Role.OPERATOR)
    with unchanged(), pytest.raises(ProviderNotSwitchedOff):
        propose(kind=PROVIDER_SWITCH_ON, subject_id="lightning", proposer=person, now=NOW)


@pytest.mark.parametrize(
    "change", [lambda: switch_off(provider="lightning", actor=BY, reason="worse", now=NOW), refuse]
)
def test_proposal_made_before_another_reason_is_not_approved(watch: Watch, change: Callable[[], Any]) -> None:
    switched_off(watch)
    proposal = proposed_on(watch)
    change()
    with unchanged(), pytest.raises(ProposalFactsChanged):
        approved(proposal, watch)
    with unchanged(), pytest.raises(ProposalFactsChanged):
        switch_on(proposal, Actor.of(make_user(Role.APPROVER)), NOW)


# Refused credentials


def test_refused_credentials_switch_it_off_with_their_code_and_facts(
    watch: Watch, settings: Settings
) -> None:
    settings.PLATFORM_WEBHOOK_URL = "https://platform.example/hooks"

    refuse()

    row = switch_of("lightning")
    assert (row.is_on, row.reason, row.code) == (False, "", "rail-credentials-refused")
    assert row.facts == {"rail": "lightning", "detail": "key revoked"}
    assert row.changed_by == "system:transfers.engine"
    line = TrailEntry.objects.get(subject="rail:lightning")
    assert line.facts == {"code": "rail-credentials-refused", "rail": "lightning", "detail": "key revoked"}
    assert OutboxMessage.objects.get().payload["code"] == "rail-credentials-refused"


def test_repeated_refusals_add_nothing(watch: Watch) -> None:
    refuse()
    with unchanged():
        refuse(NOW + timedelta(seconds=5))


def test_refusal_while_a_person_has_switched_it_off_adds_the_cause(watch: Watch) -> None:
    switched_off(watch)
    refuse()
    row = switch_of("lightning")
    assert (row.is_on, row.reason, row.code) == (False, "odd answers", "rail-credentials-refused")


def test_person_adds_a_reason_to_refused_credentials(watch: Watch) -> None:
    refuse()
    switched_off(watch)
    row = switch_of("lightning")
    assert (row.reason, row.code) == ("odd answers", "rail-credentials-refused")


def test_refusal_of_a_call_from_before_it_was_switched_on_says_nothing(watch: Watch) -> None:
    refuse()
    watch.advance(60)
    switched_on(watch)
    with unchanged():
        refuse(NOW + timedelta(seconds=61), asked_at=NOW + timedelta(seconds=59))

    refuse(NOW + timedelta(seconds=61), asked_at=NOW + timedelta(seconds=60))

    assert not switch_of("lightning").is_on


def test_refusal_by_a_collector_switches_its_provider_off() -> None:
    refusal = CollectorCredentialsRefused(collector="wave", detail="key revoked")
    switch_off_for_credentials(refusal, asked_at=NOW, now=NOW)
    assert switch_of("wave").code == "collector-credentials-refused"
    assert switch_of("lightning").is_on


# Command, health, metric


def test_command_switches_off_and_says_what_may_still_leave() -> None:
    output = StringIO()
    call_command("switch_off", "lightning", "--reason", "wallet closed", stdout=output)
    row = switch_of("lightning")
    assert (row.is_on, row.reason, row.changed_by) == (False, "wallet closed", "system:switch_off")
    first, second = output.getvalue().splitlines()
    assert first.endswith(": wallet closed")
    assert second == "0 sends had passed their last look before and may still leave"


@pytest.mark.parametrize("given", [("wafe", "--reason", "closed"), ("lightning", "--reason", " ")])
def test_command_refuses_an_unknown_name_and_an_empty_reason(given: tuple[str, ...]) -> None:
    with unchanged(), pytest.raises(CommandError):
        call_command("switch_off", *given)


def test_health_is_degraded_while_a_provider_is_off_and_says_why(watch: Watch) -> None:
    rails = next(one for one in HEALTH_CHECKS if one.component == "rails")
    assert rails.run(NOW).facts["switched_off"] == {}
    switched_off(watch, "wave")
    refuse()

    report = rails.run(NOW)

    assert report.status == DEGRADED
    assert report.facts["switched_off"] == {"lightning": "rail-credentials-refused", "wave": "person"}


def test_metric_has_each_provider_that_is_off(watch: Watch) -> None:
    metric = next(one for one in METRICS if one.name == "provider_switched_off")
    assert list(metric.read(NOW)) == []
    switched_off(watch, "wave")
    assert [(one.value, one.labels) for one in metric.read(NOW)] == [
        (1, {"provider": "wave", "cause": "person"})
    ]
