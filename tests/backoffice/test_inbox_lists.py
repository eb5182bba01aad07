"""The list to which an item of the inbox leads shows what the item counts, and nothing else."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from partners.enums import WebhookOutcome
from partners.models import InboundWebhook
from sunusav.backoffice.inbox import Notice, inbox_of
from sunusav.core.models import User
from sunusav.core.roles import Role
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World
from transfers.enums import DisbursementState
from transfers.models import Attempt, Disbursement

OVERDUE = "Payments that are due, and no worker takes them"
STUCK = "Payments without an outcome for more than an hour"
LATE = "Webhooks of partners that nobody follows"


@pytest.fixture
def now(world: World) -> datetime:
    return timezone.now()


def notice(title: str, *, now: datetime) -> Notice:
    """Return the notice of this title, as an operator has it."""
    operator = User.objects.get(username=f"a-{Role.OPERATOR.value}")
    (found,) = [one for one in inbox_of(operator, now=now).to_do if str(one.title) == title]
    return found


def listed(client: Client, url: str) -> list[Any]:
    return [row.pk for row in client.get(url).context["cl"].result_list]


def assert_counts_what_it_lists(client: Client, title: str, row: Model, *, now: datetime) -> None:
    found = notice(title, now=now)

    assert listed(client, found.url) == [row.pk]
    assert found.waiting is not None
    assert found.waiting.count == 1


def make_open(payment: Disbursement, *, opened_at: datetime) -> Attempt:
    """Open the attempt of a failed payment again."""
    Attempt.objects.filter(disbursement=payment).update(
        state="in_flight", closed_at=None, opened_at=opened_at, failure_class="", unpaid_at=None
    )
    return Attempt.objects.get(disbursement=payment)


def test_overdue_payments_are_listed(world: World, enter: Enter, now: datetime) -> None:
    client = enter(Role.OPERATOR)
    Disbursement.objects.filter(pk=world.failed.pk).update(
        state=DisbursementState.PROCESSING, due_at=now - timedelta(minutes=3)
    )

    assert_counts_what_it_lists(client, OVERDUE, world.failed, now=now)


def test_payments_without_an_outcome_are_listed(world: World, enter: Enter, now: datetime) -> None:
    client = enter(Role.OPERATOR)
    attempt = make_open(world.failed, opened_at=now - timedelta(hours=2))

    assert_counts_what_it_lists(client, STUCK, attempt, now=now)


def test_payments_under_review_are_not_listed_as_without_an_outcome(
    world: World, enter: Enter, now: datetime
) -> None:
    client = enter(Role.OPERATOR)
    make_open(world.failed, opened_at=now - timedelta(hours=2))
    Disbursement.objects.filter(pk=world.failed.pk).update(state=DisbursementState.NEEDS_REVIEW)

    assert listed(client, "/admin/transfers/attempt/?stuck=yes") == []


def test_webhooks_that_nobody_follows_are_listed(world: World, enter: Enter, now: datetime) -> None:
    client, hour_ago = enter(Role.OPERATOR), now - timedelta(hours=1)
    received = {"partner": "wave", "authenticity": "signature", "received_at": hour_ago}
    InboundWebhook.objects.create(
        **received, event_key="handled", handled_at=now, outcome=WebhookOutcome.PAYMENT_QUERIED
    )
    late = InboundWebhook.objects.create(**received, event_key="late", follow_at=hour_ago)

    assert_counts_what_it_lists(client, LATE, late, now=now)
