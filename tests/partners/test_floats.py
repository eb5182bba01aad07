"""Our money at partners: how long it lasts, when that is too little, and what the API answers about it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from pytest_django import Settings

from fees.queries import forget_schedules
from ledger.enums import AccountRole, Currency
from ledger.models import JournalTransaction
from ledger.queries import outflow
from ledger.services import post
from ledger.types import AccountRef, Line
from partners.calculations import DEFAULT_MINIMUM, days_of_cover, is_float_low
from partners.errors import (
    FloatMinimumMissing,
    FloatMinimumOutOfRange,
    PartnerBalanceUnknown,
    PartnerNotInUse,
)
from partners.health import HEALTH_CHECKS
from partners.invariants import INVARIANTS
from partners.metrics import METRICS
from partners.models import AdoptedFloatMinimum
from partners.queries import live_balance, minimum_in_force, partner_floats
from partners.services.floats import describe_float_minimum
from partners.types import FloatMinimumFacts
from partners.webhooks.refusals import count_refused
from sunusav.backoffice.inbox import notices_for
from sunusav.core import approvals, clock
from sunusav.core.auditing import AuditScope
from sunusav.core.models import TrailEntry
from sunusav.core.roles import Role
from tests.factories.floats import MINIMUM, adopt_minimum, looked_at, proposed_minimum
from tests.factories.users import client_in, make_user
from tests.support.health import read_health
from tests.support.tampering import sql
from tests.support.triggers import without_triggers
from tests.transfers.builders import NOW
from tests.transfers.unchanged import unchanged
from transfers.float_queries import forget_outflows
from transfers.models import RailBreaker, RailLiquidity
from transfers.rails import rail

FLOAT = AccountRef(AccountRole.PARTNER_FLOAT, Currency.XOF, "franc")
BANK = AccountRef(AccountRole.BANK, Currency.XOF)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def plugins(settings: Settings) -> Iterator[None]:
    """Use two partners: `wave` pays by a scripted rail in francs, `orange` has none."""
    settings.PARTNERS = ["wave", "orange"]
    settings.RAILS = {"wave": "tests.fakes.franc_rail.ScriptedFrancRail"}
    settings.COLLECTORS = {}
    forgets: list[Callable[[], None]] = [rail.cache_clear, forget_schedules, forget_outflows, cache.clear]
    for forget in forgets:
        forget()
    yield
    for forget in forgets:
        forget()


def paid_out(amount_xof: int, *, ago: timedelta, kind: str = "payment") -> None:
    """Book that money left the float some time ago."""
    reference = f"{kind}:{amount_xof}:{ago}"
    lines = [Line(BANK, amount_xof), Line(FLOAT, -amount_xof)]
    key = post(kind=kind, reference=reference, lines=lines, at=NOW - ago, subject="test")
    # Recorded when it was booked; the test books all of them now.
    with without_triggers(connection):
        JournalTransaction.objects.filter(pk=key).update(recorded_at=NOW - ago)


# Calculations


@pytest.mark.parametrize(
    ("balance_xof", "outflow_xof", "days"),
    [
        (700_000, 700_000, Decimal("7.0")),
        (100_000, 700_000, Decimal("1.0")),
        (99_999, 700_000, Decimal("0.9")),
        (350_000, 100, Decimal("24500.0")),
        (0, 700_000, Decimal("0.0")),
        (-5, 700_000, Decimal("0.0")),
        (700_000, 0, None),
        (700_000, -1, None),
    ],
)
def test_days_of_cover_are_rounded_down_to_tenths(
    balance_xof: int, outflow_xof: int, days: Decimal | None
) -> None:
    assert days_of_cover(balance_xof, outflow_xof=outflow_xof, days=7) == days


@pytest.mark.parametrize(
    ("balance_xof", "cover", "minimum", "is_low"),
    [
        (100, Decimal("2.0"), DEFAULT_MINIMUM, False),
        (100, Decimal("1.9"), DEFAULT_MINIMUM, True),
        (0, None, DEFAULT_MINIMUM, False),
        (-1, None, DEFAULT_MINIMUM, True),
        (99, None, FloatMinimumFacts(100, 0), True),
        (100, None, FloatMinimumFacts(100, 0), False),
        (100, Decimal("0.0"), FloatMinimumFacts(0, 0), False),
    ],
)
def test_float_is_low_below_either_minimum(
    balance_xof: int, cover: Decimal | None, minimum: FloatMinimumFacts, is_low: bool
) -> None:
    assert is_float_low(balance_xof, cover_days=cover, minimum=minimum) is is_low


# Reads


@pytest.mark.django_db(transaction=True)
def test_cover_counts_the_payments_of_the_last_seven_whole_days_in_dakar() -> None:
    """NOW is ten o'clock: today began ten hours ago, and the seven days before it seven days earlier."""
    paid_out(5, ago=7 * DAY + timedelta(hours=11))
    paid_out(630_000, ago=7 * DAY)
    paid_out(900, ago=DAY, kind="float_withdrawal")
    paid_out(70_000, ago=timedelta(hours=11))
    paid_out(1, ago=timedelta(hours=9))
    looked_at("wave", 250_000, at=NOW)

    found = partner_floats(now=NOW)["wave"]

    assert (found.rail.outflow_amount, found.cover_days, found.is_low) == (700_000, Decimal("2.5"), False)
    assert outflow(FLOAT, kind="payment", since=NOW - 8 * DAY, until=NOW) == 700_006


@pytest.mark.django_db
def test_float_without_a_look_or_outflow_has_no_cover_and_is_not_low() -> None:
    assert (partner_floats(now=NOW)["wave"].cover_days, partner_floats(now=NOW)["wave"].is_low) == (
        None,
        False,
    )
    looked_at("wave", 5, at=NOW)
    found = partner_floats(now=NOW)["wave"]
    assert (found.balance_amount, found.cover_days, found.is_low) == (5, None, False)
    assert set(partner_floats(now=NOW)) == {"wave"}, "orange has no rail"


@pytest.mark.django_db
def test_float_below_the_minimum_in_force_is_low() -> None:
    looked_at("wave", 99_999, at=NOW)
    assert not partner_floats(now=NOW)["wave"].is_low

    adopt_minimum(proposed_minimum(now=NOW), now=NOW)

    assert minimum_in_force("wave") == MINIMUM
    assert minimum_in_force("orange") == DEFAULT_MINIMUM
    assert partner_floats(now=NOW)["wave"].is_low


# The minimum, set by two people


@pytest.mark.django_db
def test_minimum_is_in_force_once_a_second_person_approved_it() -> None:
    proposal = proposed_minimum(now=NOW)
    assert minimum_in_force("wave") == DEFAULT_MINIMUM

    row = adopt_minimum(proposal, now=NOW)

    line = TrailEntry.objects.get(subject=f"float_minimum:{row.minimum_id}", action="adopt")
    assert (line.from_state, line.to_state) == ("0", "100000")


@pytest.mark.django_db
def test_newest_minimum_of_a_partner_is_in_force() -> None:
    adopt_minimum(proposed_minimum(now=NOW), now=NOW)
    adopt_minimum(proposed_minimum(FloatMinimumFacts(7, 8), now=NOW), now=NOW)
    assert minimum_in_force("wave") == FloatMinimumFacts(7, 8)


@pytest.mark.django_db
def test_proposer_cannot_approve_the_minimum() -> None:
    proposer = make_user(Role.FINANCE)
    proposal = proposed_minimum(now=NOW, proposer=proposer)
    with unchanged(), pytest.raises((approvals.ApproverIsProposer, approvals.NotAllowedToDecide)):
        adopt_minimum(proposal, now=NOW, approver=proposer)
    assert not AdoptedFloatMinimum.objects.exists()


@pytest.mark.django_db
def test_one_minimum_of_a_partner_is_proposed_at_a_time() -> None:
    first = proposed_minimum(now=NOW)
    with unchanged(), pytest.raises(approvals.ProposalAlreadyOpen) as refused:
        proposed_minimum(FloatMinimumFacts(1, 1), now=NOW)
    assert refused.value.facts["proposal_id"] == str(first.pk)
    assert proposed_minimum(now=NOW, partner="orange").pk != first.pk


@pytest.mark.django_db
@pytest.mark.parametrize("minimum", [(-1, 0), (10**12 + 1, 0), (0, -1), (0, 366)])
def test_impossible_minimum_is_refused(minimum: tuple[int, int]) -> None:
    with unchanged(), pytest.raises(FloatMinimumOutOfRange) as refused:
        proposed_minimum(FloatMinimumFacts(*minimum), now=NOW)
    assert (refused.value.facts["minimum_xof"], refused.value.facts["minimum_days"]) == minimum


@pytest.mark.django_db
def test_minimum_of_an_unknown_partner_is_refused() -> None:
    with unchanged(), pytest.raises(PartnerNotInUse) as refused:
        proposed_minimum(now=NOW, partner="wari")
    assert refused.value.facts == {"partner": "wari"}


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["17", "x"])
def test_unknown_minimum_cannot_be_described(key: str) -> None:
    with pytest.raises(FloatMinimumMissing):
        describe_float_minimum(key)


@pytest.mark.django_db(transaction=True)
def test_audit_names_a_minimum_that_another_approver_set() -> None:
    row = adopt_minimum(proposed_minimum(now=NOW), now=NOW)
    assert _breaches() == []
    other = make_user(Role.APPROVER)

    with without_triggers(connection):
        sql("UPDATE partners_adoptedfloatminimum SET approver_id = %s WHERE id = %s", other.pk, row.pk)

    assert _breaches() == [("I16", f"float_minimum:{row.minimum_id}")]


def _breaches() -> list[tuple[str, str]]:
    invariant = INVARIANTS[0]
    return [(breach.invariant, breach.subject) for breach in invariant.find(AuditScope(NOW))]


# The endpoint

BALANCE = "/monetization/partners/wave/balance"


@pytest.mark.django_db
@pytest.mark.parametrize("role", list(Role))
def test_balance_is_answered_as_the_partner_reported_it(role: Role) -> None:
    at = clock.now().replace(microsecond=0)
    looked_at("wave", 250_000, at=at)

    answer = client_in(role).get(BALANCE)

    assert answer.status_code == 200
    assert answer.json() == {
        "partner": "wave", "balance": 250_000, "currency": "XOF",
        "timestamp": at.isoformat().replace("+00:00", "Z"), "accrued_xof": 0,
    }  # fmt: skip


@pytest.mark.django_db
def test_balance_that_is_older_than_a_minute_is_unknown() -> None:
    looked_at("wave", 250_000, at=NOW)
    assert live_balance("wave", now=NOW + timedelta(seconds=60)).balance == 250_000

    with pytest.raises(PartnerBalanceUnknown) as refused:
        live_balance("wave", now=NOW + timedelta(seconds=61))

    assert refused.value.facts == {
        "partner": "wave", "last_balance": 250_000, "last_currency": "XOF", "last_timestamp": NOW, "age_seconds": 61,
    }  # fmt: skip


@pytest.mark.django_db
def test_balance_that_was_never_reported_is_unknown() -> None:
    answer = client_in(Role.FINANCE).get(BALANCE)
    assert (answer.status_code, answer.json()["code"]) == (503, "partner-balance-unknown")
    assert (answer.json()["last_balance"], answer.json()["age_seconds"]) == (None, None)
    assert answer.headers["Retry-After"]


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["orange", "wari"])
def test_balance_of_a_partner_that_does_not_pay_here_is_missing(name: str) -> None:
    answer = client_in(Role.FINANCE).get(f"/monetization/partners/{name}/balance")
    assert (answer.status_code, answer.json()["code"]) == (404, "partner-not-in-use")


# Health, metrics, inbox


def _health(number: int) -> tuple[str, dict[str, Any]]:
    report = HEALTH_CHECKS[number].run(NOW)
    return report.status, report.facts


@pytest.mark.django_db
def test_health_reports_each_partner() -> None:
    looked_at("wave", 250_000, at=NOW - timedelta(seconds=20))
    status, facts = _health(0)
    assert status == "ok"
    assert facts["wave"] == {
        "is_available": True, "is_stopped": False, "failure_code": "", "answered_seconds_ago": 20,
        "balance": 250_000, "currency": "XOF", "days_of_cover": None, "is_low": False, "waiting": 0,
    }  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("why", ["low", "stopped", "unavailable", "never", "stale"])
def test_health_is_degraded_while_a_partner_cannot_pay_or_has_little(why: str) -> None:
    if why != "never":
        looked_at("wave", 5, at=NOW)
    if why == "low":
        adopt_minimum(proposed_minimum(now=NOW), now=NOW)
    if why == "stopped":
        RailBreaker.objects.create(rail="wave", state="open", failures=10, retry_at=NOW, changed_at=NOW)
    if why == "stale":
        looked_at("wave", 5, at=NOW - timedelta(seconds=121))
    if why == "unavailable":
        RailLiquidity.objects.update(seen_at=NOW + DAY, failure_code="rail-unavailable")
    assert _health(0)[0] == "degraded"


@pytest.mark.django_db
def test_health_is_degraded_while_many_webhooks_are_refused() -> None:
    for _ in range(100):
        count_refused("orange", now=NOW)
    assert _health(1) == ("ok", {
        "not_followed": 0,
        "wave": {"last_webhook_seconds_ago": None, "refused_lately": 0},
        "orange": {"last_webhook_seconds_ago": None, "refused_lately": 100},
    })  # fmt: skip
    count_refused("orange", now=NOW)
    assert _health(1)[0] == "degraded"


@pytest.mark.django_db
def test_metrics_have_the_float_and_the_refused_webhooks() -> None:
    looked_at("wave", 250_000, at=NOW)
    count_refused("orange", now=NOW)
    found = {metric.name: [(one.value, dict(one.labels)) for one in metric.read(NOW)] for metric in METRICS}
    assert found == {
        "partner_float": [(250_000, {"partner": "wave", "currency": "XOF"})],
        "partner_float_cover_hours": [],
        "partner_float_low": [(0, {"partner": "wave"})],
        "partner_webhooks_refused": [(0, {"partner": "wave"}), (1, {"partner": "orange"})],
        "partner_webhooks_waiting": [(0, {})],
        "partner_webhook_age_seconds": [],
        "settlements_open": [
            (0, {"status": one}) for one in ("pending", "approved", "processing", "failed", "rejected")
        ],
        "settlement_age_seconds": [(0, {})],
        "settlement_months_not_closed": [(0, {})],
    }


@pytest.mark.django_db
def test_inbox_shows_what_runs_low_and_is_refused_to_finance() -> None:
    user = make_user(Role.FINANCE)
    looked_at("wave", 5, at=clock.now())
    read_health("partners", now=clock.now())
    assert _titles(user) == []

    adopt_minimum(proposed_minimum(now=NOW), now=NOW)
    for _ in range(101):
        count_refused("orange", now=clock.now())

    read_health("partners", now=clock.now())
    assert _titles(user) == ["Money at partners is running low", "Many webhooks of partners are refused"]


def _titles(user: Any) -> list[str]:
    ours = {"Money at partners is running low", "Many webhooks of partners are refused"}
    return [str(one.title) for one in notices_for(user, now=clock.now()) if str(one.title) in ours]
