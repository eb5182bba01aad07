from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ledger.errors import ManualRateMissing, NoRateSourceAnswered, RateNotFresh, RateOutOfBounds
from ledger.models import ExchangeRate, ManualRateRequest
from ledger.queries import current_rate, francs_rate, latest_rate_for_record
from ledger.rates.sources import Bitstamp, Coinbase, Kraken
from ledger.services import approve_manual_rate, propose_manual_rate, update_rates
from ledger.services.rates import describe_manual_rate, waiting_manual_rate
from sunusav.core import approvals
from sunusav.core.approvals import ApproverIsProposer, NotAllowedToDecide, ProposalAlreadyOpen
from sunusav.core.models import TrailEntry, User
from sunusav.core.roles import Role
from tests.ledger.builders import (
    MINUTE,
    NOW,
    FixedSource,
    bitstamp_answer,
    coinbase_answer,
    person,
    running_market,
    stored_rate,
)

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
THREE = [FixedSource("a", "8000000"), FixedSource("b", "8100000"), FixedSource("c", "8050000")]


@pytest.fixture
def awa() -> User:
    return person("awa", Role.FINANCE)


@pytest.fixture
def fatou() -> User:
    return person("fatou", Role.APPROVER)


# update_rates


def test_update_appends_the_median() -> None:
    update = update_rates(now=NOW, sources=THREE)

    row = ExchangeRate.objects.get()
    assert update.rate == row.value
    assert (row.rate_xof_per_btc, row.source, row.observed_at) == (Decimal(8_050_000), "market", NOW)
    assert (row.is_quarantined, row.is_fallback, update.quarantine_reason) == (False, False, "")
    assert row.components == {"rates": {"a": "8000000", "b": "8100000", "c": "8050000"}, "refusals": {}}


def test_update_reads_a_server_and_names_the_refused_sources() -> None:
    with running_market() as market, running_market() as broken:
        market.answers(coinbase_answer("12195.92"))
        broken.answers(b"<html>")
        update = update_rates(
            now=NOW, sources=[Coinbase(market.url), FixedSource("b", "0"), Kraken(broken.url)]
        )

    assert update.rate.rate_xof_per_btc == Decimal("7999999.09544")
    assert update.refusals == {"b": "not_positive", "kraken": "unavailable"}


@pytest.mark.parametrize("age", [5 * MINUTE, -5 * MINUTE, None])
def test_update_takes_a_source_whose_own_time_stamp_is_recent(age: timedelta | None) -> None:
    observed_at = None if age is None else NOW - age

    update = update_rates(now=NOW, sources=[FixedSource("timed", "8000000", observed_at=observed_at)])

    assert (update.rate.rate_xof_per_btc, update.refusals) == (Decimal(8_000_000), {})


@pytest.mark.parametrize("age", [5 * MINUTE + SECOND, -5 * MINUTE - SECOND, timedelta(days=1)])
def test_update_refuses_a_source_whose_own_time_stamp_is_not_recent(age: timedelta) -> None:
    timed = FixedSource("timed", "8000000", observed_at=NOW - age)

    update = update_rates(now=NOW, sources=[timed, FixedSource("b", "8100000")])

    assert (update.rate.rate_xof_per_btc, update.refusals) == (Decimal(8_100_000), {"timed": "stale"})
    with pytest.raises(NoRateSourceAnswered) as refusal:
        update_rates(now=NOW, sources=[timed])
    assert refusal.value.refusals == {"timed": "stale"}
    assert ExchangeRate.objects.count() == 1


def test_update_refuses_the_old_answer_of_a_server() -> None:
    with running_market() as market:
        market.answers(bitstamp_answer("12195.92", at=NOW - 6 * MINUTE))
        with pytest.raises(NoRateSourceAnswered) as refusal:
            update_rates(now=NOW, sources=[Bitstamp(market.url)])

    assert refusal.value.refusals == {"bitstamp": "stale"}
    assert not ExchangeRate.objects.exists()


def test_update_with_no_answer_appends_nothing() -> None:
    with pytest.raises(NoRateSourceAnswered) as refusal:
        update_rates(now=NOW, sources=[FixedSource("a", "NaN"), FixedSource("b", "-1")])

    assert refusal.value.refusals == {"a": "not_finite", "b": "not_positive"}
    assert not ExchangeRate.objects.exists()


def test_update_without_sources_refused() -> None:
    with pytest.raises(NoRateSourceAnswered):
        update_rates(now=NOW)


def test_update_drops_a_source_far_from_the_median() -> None:
    update = update_rates(now=NOW, sources=[*THREE, FixedSource("d", "20000000")])

    assert update.refusals == {"d": "far_from_median"}
    assert update.rate.rate_xof_per_btc == Decimal(8_050_000)
    assert not update.quarantine_reason


@pytest.mark.parametrize("prices", [("8000000", "16000000"), ("8000000", "12000000", "18000000")])
def test_update_when_sources_disagree_goes_into_quarantine(prices: tuple[str, ...]) -> None:
    update = update_rates(now=NOW, sources=[FixedSource(f"s{n}", price) for n, price in enumerate(prices)])

    assert update.quarantine_reason == "sources_disagree"
    assert ExchangeRate.objects.get().is_quarantined
    assert current_rate(NOW).is_fallback


@pytest.mark.parametrize(
    ("price", "jumped"), [("9600000", False), ("9600001", True), ("6400000", False), ("6399999", True)]
)
def test_update_that_jumped_goes_into_quarantine(price: str, jumped: bool) -> None:
    stored_rate("8000000", at=NOW - 5 * MINUTE)

    update = update_rates(now=NOW, sources=[FixedSource("a", price)])

    assert (update.quarantine_reason == "jumped") is jumped
    assert current_rate(NOW).rate_xof_per_btc == (Decimal(8_000_000) if jumped else Decimal(price))


def test_rate_in_quarantine_stays_unused_until_two_people_record_one(awa: User, fatou: User) -> None:
    stored_rate("8000000", at=NOW)
    doubled = [FixedSource("a", "16000000")]
    for step in (1, 2, 3):
        assert update_rates(now=NOW + step * 5 * MINUTE, sources=doubled).quarantine_reason == "jumped"
    assert current_rate(NOW + 16 * MINUTE).is_fallback

    proposal = propose_manual_rate(
        rate_xof_per_btc=Decimal(16_000_000), reason="it doubled", proposer=awa, now=NOW + 17 * MINUTE
    )
    approve_manual_rate(proposal=proposal, approver=fatou, now=NOW + 18 * MINUTE)

    assert current_rate(NOW + 18 * MINUTE).rate_xof_per_btc == Decimal(16_000_000)
    assert update_rates(now=NOW + 20 * MINUTE, sources=doubled).quarantine_reason == ""


# which rate is current


def test_current_is_the_newest_of_the_last_quarter_hour() -> None:
    stored_rate("8000000", at=NOW - 10 * MINUTE)
    newest = stored_rate("8100000", at=NOW - 5 * MINUTE)
    stored_rate("9000000", at=NOW + MINUTE)
    stored_rate("7000000", at=NOW, is_quarantined=True, quarantine_reason="jumped")

    assert current_rate(NOW) == newest.value


@pytest.mark.parametrize(
    ("age", "is_fallback"), [(timedelta(minutes=14, seconds=59), False), (15 * MINUTE, True)]
)
def test_current_is_fresh_for_a_quarter_hour(age: timedelta, is_fallback: bool) -> None:
    stored_rate(at=NOW - age)

    assert current_rate(NOW).is_fallback is is_fallback


def test_fallback_is_one_marked_row_until_the_setting_changes(settings: Any) -> None:
    first = current_rate(NOW)

    assert (first.rate_xof_per_btc, first.source, first.is_fallback) == (Decimal(8_000_000), "fallback", True)
    assert current_rate(NOW + MINUTE) == first

    settings.FALLBACK_BTC_XOF_RATE = "9000000"
    assert current_rate(NOW + MINUTE).rate_xof_per_btc == Decimal(9_000_000)
    settings.FALLBACK_BTC_XOF_RATE = "8000000"
    assert current_rate(NOW + MINUTE).id != first.id
    assert ExchangeRate.objects.count() == 3


def test_fallback_moves_francs_only_where_the_setting_allows(settings: Any) -> None:
    assert francs_rate(NOW).is_fallback

    settings.FALLBACK_RATE_MOVES_FRANCS = False
    with pytest.raises(RateNotFresh) as refusal:
        francs_rate(NOW)
    assert refusal.value.facts == {"source": "fallback", "observed_at": NOW}

    fresh = stored_rate(at=NOW)
    assert francs_rate(NOW) == fresh.value


def test_latest_rate_for_record_may_be_of_any_age() -> None:
    old = stored_rate(at=NOW - timedelta(days=30))
    stored_rate(at=NOW - MINUTE, is_quarantined=True, quarantine_reason="jumped")

    assert latest_rate_for_record(NOW) == old.value


def test_latest_rate_for_record_is_never_from_the_future() -> None:
    known = stored_rate(at=NOW)
    stored_rate("9000000", at=NOW + timedelta(microseconds=1))

    assert latest_rate_for_record(NOW) == known.value
    assert latest_rate_for_record(NOW - SECOND).is_fallback


def test_latest_rate_for_record_without_a_rate_is_the_fallback() -> None:
    assert latest_rate_for_record(NOW).is_fallback


# manual rates


def test_manual_rate_needs_two_people(awa: User, fatou: User) -> None:
    rate = Decimal("9123456.5")
    proposal = propose_manual_rate(
        rate_xof_per_btc=rate, reason="sources are unreachable", proposer=awa, now=NOW
    )

    assert proposal.facts == {
        "rate_xof_per_btc": "9123456.50000000", "reason": "sources are unreachable", "requested_at": NOW.isoformat(),
    }  # fmt: skip
    assert not ExchangeRate.objects.exists()

    recorded = approve_manual_rate(proposal=proposal, approver=fatou, now=NOW + MINUTE)
    assert recorded is not None

    assert (recorded.rate_xof_per_btc, recorded.source, recorded.observed_at) == (
        rate,
        "manual",
        NOW + MINUTE,
    )
    assert current_rate(NOW + MINUTE) == recorded
    line = TrailEntry.objects.get(action="record_manual_rate")
    assert (line.subject, line.actor, line.reason) == (
        f"rate:{recorded.id}",
        fatou,
        "",
    )


def test_manual_rate_by_its_proposer_refused() -> None:
    both = person("both", Role.FINANCE, Role.APPROVER)
    proposal = propose_manual_rate(rate_xof_per_btc=Decimal(9_000_000), reason="r", proposer=both, now=NOW)

    with pytest.raises(ApproverIsProposer):
        approve_manual_rate(proposal=proposal, approver=both, now=NOW)

    assert not ExchangeRate.objects.exists()


def test_manual_rate_proposed_without_the_right_refused(fatou: User) -> None:
    with pytest.raises(NotAllowedToDecide) as refusal:
        propose_manual_rate(rate_xof_per_btc=Decimal(9_000_000), reason="r", proposer=fatou, now=NOW)

    assert refusal.value.permission == "ledger.propose_manual_rate"
    assert not ManualRateRequest.objects.exists()


@pytest.mark.parametrize("rate", ["0", "-8000000", "655956", "6559570001"])
def test_manual_rate_out_of_bounds_refused(awa: User, rate: str) -> None:
    with pytest.raises(RateOutOfBounds) as refusal:
        propose_manual_rate(rate_xof_per_btc=Decimal(rate), reason="r", proposer=awa, now=NOW)

    assert refusal.value.rate_xof_per_btc == rate
    assert not ManualRateRequest.objects.exists()


def test_one_manual_rate_waits_at_a_time(awa: User) -> None:
    first = propose_manual_rate(rate_xof_per_btc=Decimal(9_000_000), reason="r", proposer=awa, now=NOW)

    with pytest.raises(ProposalAlreadyOpen) as refusal:
        propose_manual_rate(rate_xof_per_btc=Decimal(9_100_000), reason="r", proposer=awa, now=NOW)

    assert refusal.value.proposal_id == str(first.pk)
    assert waiting_manual_rate(Decimal("9000000.0")) == first
    assert waiting_manual_rate(Decimal(9_100_000)) is None
    approvals.withdraw(proposal_id=first.pk, proposer=awa, now=NOW)
    assert waiting_manual_rate(Decimal(9_000_000)) is None


@pytest.mark.parametrize("subject_id", ["404", "", "one", "-1"])
def test_manual_rate_missing_refused(subject_id: str) -> None:
    with pytest.raises(ManualRateMissing):
        describe_manual_rate(subject_id)
