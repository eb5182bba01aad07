"""Health of the payment engine: what is overdue, stuck or under review, which rails are stopped, what they can send."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from sunusav.core import switches
from sunusav.core.health import DEGRADED, OK, HealthCheck, HealthReport
from transfers import collection_queries, queries, treasury
from transfers.enums import CollectionProblem, DeferralCode
from transfers.rails import rails_with_statement
from transfers.statements.queries import open_counts

EXPLAINED_WITHIN = timedelta(days=31)


def _backlog(now: datetime) -> HealthReport:
    overdue = queries.overdue(now).count()
    stuck = queries.stuck(now).count()
    broken = queries.broke_workers()
    is_open = switches.outgoing().is_open
    facts = {
        "overdue": overdue,
        "open_over_an_hour": stuck,
        "broke_a_worker": broken,
        "needs_review": queries.waiting_for_review(),
        "outgoing": "open" if is_open else "paused",
    }
    return HealthReport(OK if is_open and not overdue and not stuck and not broken else DEGRADED, facts)


def _collections(now: datetime) -> HealthReport:
    counts = collection_queries.collections_with_problems()
    facts = {problem.value: counts.get(problem, 0) for problem in CollectionProblem}
    return HealthReport(DEGRADED if counts else OK, facts)


def _rails(now: datetime) -> HealthReport:
    """Report which providers are switched off and why, which rails are stopped, and how many payments wait for rails.

    The reason is "person", or the code of what the engine found.
    """
    stopped = {row.rail: row.state for row in queries.stopped_rails()}
    switched_off = {row.provider: row.code or "person" for row in queries.switched_off()}
    waiting = queries.deferred_by([
        DeferralCode.RAIL_SWITCHED_OFF, DeferralCode.RAIL_UNAVAILABLE, DeferralCode.LIQUIDITY_SHORT,
    ])  # fmt: skip
    facts = {
        "switched_off": switched_off,
        "stopped": stopped,
        "rail_switched_off": waiting.get(DeferralCode.RAIL_SWITCHED_OFF, 0),
        "rail_unavailable": waiting.get(DeferralCode.RAIL_UNAVAILABLE, 0),
        "liquidity_short": waiting.get(DeferralCode.LIQUIDITY_SHORT, 0),
    }
    return HealthReport(DEGRADED if switched_off or stopped or waiting else OK, facts)


def _matching(now: datetime) -> HealthReport:
    """Report the last run that matched each rail's statement with our attempts."""
    matches = queries.newest_matches(rails_with_statement())
    facts = {
        name: {
            "age_seconds": int((now - match.ended_at).total_seconds()),
            "lines_read": match.lines_read,
            "mismatches": match.mismatches_found,
        }
        for name, match in matches.items()
        if match
    }
    is_late = any(queries.is_match_late(match, now=now) for match in matches.values())
    differs = any(match.mismatches_found for match in matches.values() if match)
    return HealthReport(DEGRADED if is_late or differs else OK, facts)


def _liquidity(now: datetime) -> HealthReport:
    """Report what each rail could send at the last look; an old look and money that cannot be used are not well.

    A rail that is switched off is not looked at.
    """
    looks = treasury.liquidity_of(settings.RAILS)
    off = {row.provider for row in queries.switched_off()}
    facts: dict[str, Any] = {
        name: {
            "age_seconds": int((now - row.seen_at).total_seconds()),
            "is_available": row.is_available,
            "failure_code": row.failure_code,
            "failure_facts": row.failure_facts,
            "currency": row.currency,
            "sendable": row.total,
            "largest_payment": row.largest,
            "unusable": row.unusable_amount,
        }
        for name, row in looks.items()
        if row and row.seen_at
    }
    facts["short_for_waiting"] = treasury.short_for_waiting(looks)
    is_stale = any(treasury.is_look_stale(row, now=now) for name, row in looks.items() if name not in off)
    is_well = all(row.is_available and not row.unusable for row in looks.values() if row)
    return HealthReport(OK if is_well and not is_stale else DEGRADED, facts)


def _balances(now: datetime) -> HealthReport:
    """Report what each provider held at the last look, and what the books had; a difference that lasts is not well.

    Units: those of the currency.
    """
    looks = treasury.liquidity_of(settings.RAILS)
    facts = {
        name: {
            "currency": row.currency,
            "provider": row.provider_amount,
            "books": row.booked_amount,
            "difference": row.difference_amount,
            "age_seconds": int((now - row.balance_at).total_seconds()),
            "differs_since": row.differs_since.isoformat() if row.differs_since else None,
        }
        for name, row in looks.items()
        if row and row.balance_at
    }
    differs = any(treasury.is_different(row, now=now) for row in looks.values() if row)
    return HealthReport(DEGRADED if differs else OK, facts)


def _statements(now: datetime) -> HealthReport:
    """Report the open differences from statements by source; one that nobody has explained for a month is not well."""
    found = open_counts()
    facts = {
        source: {"open": count, "oldest_age_seconds": int((now - oldest).total_seconds())}
        for source, (count, oldest) in found.items()
    }
    is_old = any(now - oldest > EXPLAINED_WITHIN for _, oldest in found.values())
    return HealthReport(DEGRADED if is_old else OK, facts)


HEALTH_CHECKS = [
    HealthCheck("backlog", _backlog),
    HealthCheck("rails", _rails),
    HealthCheck("liquidity", _liquidity),
    HealthCheck("balances", _balances),
    HealthCheck("collections", _collections),
    HealthCheck("matching", _matching),
    HealthCheck("statements", _statements),
]
