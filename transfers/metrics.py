from collections.abc import Callable, Iterator
from datetime import datetime

from django.conf import settings

from sunusav.core.metrics import Metric, Sample
from transfers import queries, treasury
from transfers.enums import DeferralCode
from transfers.statements.queries import open_counts


def _rails_stopped(now: datetime) -> Iterator[Sample]:
    for row in queries.stopped_rails():
        yield Sample(1, {"rail": row.rail, "state": row.state})


def _providers_switched_off(now: datetime) -> Iterator[Sample]:
    for row in queries.switched_off():
        yield Sample(1, {"provider": row.provider, "cause": row.code or "person"})


def _payments_deferred(now: datetime) -> Iterator[Sample]:
    waiting = queries.deferred_by(DeferralCode.values)
    yield from (Sample(waiting.get(code, 0), {"why": code}) for code in DeferralCode.values)


def _known(amount: str) -> Callable[[datetime], Iterator[Sample]]:
    """Return the reader of an amount as each rail was last found with it; no sample while none is known."""

    def read(now: datetime) -> Iterator[Sample]:
        for name, row in treasury.liquidity_of(settings.RAILS).items():
            if row and row.known_at:
                yield Sample(getattr(row, amount), {"rail": name, "currency": row.currency})

    return read


def _liquidity_age(now: datetime) -> Iterator[Sample]:
    for name, row in treasury.liquidity_of(settings.RAILS).items():
        if row and row.known_at:
            yield Sample(int((now - row.known_at).total_seconds()), {"rail": name})


def _difference(now: datetime) -> Iterator[Sample]:
    for name, row in treasury.liquidity_of(settings.RAILS).items():
        if row and row.difference_amount is not None:
            yield Sample(row.difference_amount, {"rail": name, "currency": row.currency})


def _match_age(now: datetime) -> Iterator[Sample]:
    for name, match in queries.newest_matches(settings.RAILS).items():
        if match:
            yield Sample(int((now - match.ended_at).total_seconds()), {"rail": name})


def _mismatches(now: datetime) -> Iterator[Sample]:
    for name, match in queries.newest_matches(settings.RAILS).items():
        if match:
            yield Sample(match.mismatches_found, {"rail": name})


def _broke_workers(now: datetime) -> Iterator[Sample]:
    yield Sample(queries.broke_workers())


def _sends_that_may_leave(now: datetime) -> Iterator[Sample]:
    yield Sample(queries.sends_that_may_leave(now))


def _open_differences(now: datetime) -> Iterator[Sample]:
    for source, (count, _oldest) in open_counts().items():
        yield Sample(count, {"source": source})


def _oldest_difference(now: datetime) -> Iterator[Sample]:
    for source, (_count, oldest) in open_counts().items():
        yield Sample(int((now - oldest).total_seconds()), {"source": source})


METRICS = [
    Metric("rail_stopped", "1 for each rail that is stopped after failures in a row.", _rails_stopped),
    Metric(
        "provider_switched_off",
        "1 for each provider that is switched off, by a person or for refused credentials.",
        _providers_switched_off,
    ),
    Metric("payments_held_back", "Payments that are deferred, by reason.", _payments_deferred),
    Metric("payments_broke_worker", "Payments whose last worker failed because of a bug.", _broke_workers),
    Metric("sends_that_may_leave", "Sends whose bytes may still leave.", _sends_that_may_leave),
    Metric(
        "rail_sendable",
        "What a rail could send in all when it was last looked at.",
        _known("total"),
    ),
    Metric("rail_largest_payment", "What it could send in one payment.", _known("largest")),
    Metric("rail_unusable", "Money on a rail that could not be sent.", _known("unusable_amount")),
    Metric("rail_liquidity_age_seconds", "Age of these amounts.", _liquidity_age),
    Metric(
        "books_provider_difference",
        "How much more than the books a provider held, beyond what is under way; negative: less.",
        _difference,
    ),
    Metric("rail_match_age_seconds", "Age of the last match with a rail's statement.", _match_age),
    Metric("rail_mismatches", "Payments on which rail and books differed in the last match.", _mismatches),
    Metric("statement_differences", "Open differences from statements, by source.", _open_differences),
    Metric("statement_difference_age_seconds", "Age of the oldest of them.", _oldest_difference),
]
