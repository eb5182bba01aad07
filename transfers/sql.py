"""The raw SQL of this app: the statements that every payout runs, which Django takes longer to build than to run.

Each has beside it, as `<name>_orm`, a twin of the same meaning; a test holds on every engine that both agree.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Final

from django.db.models import Exists, Q

from sunusav.core import sql, switches
from sunusav.core.locks import select_lock
from sunusav.core.models import Lock, Switch
from transfers.enums import BreakerState, DisbursementState, LimitKind
from transfers.models import Disbursement, LimitUsage, PaymentLimit, ProviderSwitch, RailBreaker
from transfers.types import SendableClaims, UnusableRails

# Disbursement ids by the claim version under which they are held.
ClaimedIds = Mapping[int, Collection[int]]
LimitRow = tuple[str, int, int]
UsageRow = tuple[str, str, int]

LIMITS_LOCK: Final = "payment_limits"
_DISBURSEMENT: Final = Disbursement._meta.db_table
_BREAKER: Final = RailBreaker._meta.db_table
_SWITCH: Final = ProviderSwitch._meta.db_table


# Claims


def sendable_claims(claimed: ClaimedIds) -> SendableClaims:
    """Return the claims that still hold, with both kinds of switches as they are now.

    One row per claim and provider that is off; while none is, one per claim.
    """
    condition, values = _is_claimed(claimed)
    closed = f"SELECT 1 FROM {Switch._meta.db_table} WHERE name = %s AND NOT is_open"  # noqa: S608
    statement = (
        f"SELECT id, NOT EXISTS ({closed}), provider FROM {_DISBURSEMENT}"  # noqa: S608
        f" LEFT JOIN {_SWITCH} ON NOT is_on WHERE {condition}"
    )
    found = list(sql.rows(statement, [switches.OUTGOING, *values]))
    return SendableClaims(
        {pk: bool(is_open) for pk, is_open, _ in found}, {off for _, _, off in found if off is not None}
    )


def sendable_claims_orm(claimed: ClaimedIds) -> SendableClaims:
    rows = Disbursement.objects.filter(claimed_q(claimed))
    is_open = dict(rows.values_list("pk", ~Exists(switches.outgoing_closed())))
    return SendableClaims(is_open, _names_switched_off() if is_open else set())


def renew_processing_claims(claimed: ClaimedIds, *, due_at: datetime) -> int:
    """Lock claimed rows in process and renew their leases; return how many there were."""
    condition, values = _is_claimed(claimed)
    statement = f"UPDATE {_DISBURSEMENT} SET due_at = %s, asks = 0 WHERE state = %s AND {condition}"  # noqa: S608
    return sql.run(statement, [due_at, DisbursementState.PROCESSING.value, *values])


def renew_processing_claims_orm(claimed: ClaimedIds, *, due_at: datetime) -> int:
    rows = Disbursement.objects.filter(claimed_q(claimed), state=DisbursementState.PROCESSING)
    return rows.update(due_at=due_at, asks=0)


def claimed_q(claimed: ClaimedIds) -> Q:
    """Return the condition that a row is one of these, under its claim version."""
    return reduce(or_, (Q(pk__in=ids, claim_version=version) for version, ids in claimed.items()))


def _is_claimed(claimed: ClaimedIds) -> tuple[str, list[int]]:
    """Return the condition of `claimed_q` as SQL, with its values."""
    each = (f"claim_version = %s AND id IN ({sql.placeholders(ids)})" for ids in claimed.values())
    values = [value for version, ids in claimed.items() for value in (version, *ids)]
    return f"({' OR '.join(each)})", values


# Breakers and switches of rails


def unusable_rail_names() -> UnusableRails:
    """Return the names of the rails that are stopped, and of the providers that are switched off."""
    statement = (
        f"SELECT rail, 0 FROM {_BREAKER} WHERE state <> %s"  # noqa: S608
        f" UNION ALL SELECT provider, 1 FROM {_SWITCH} WHERE NOT is_on"
    )
    found = list(sql.rows(statement, [BreakerState.CLOSED.value]))
    return UnusableRails({name for name, is_off in found if not is_off}, {name for name, off in found if off})


def unusable_rail_names_orm() -> UnusableRails:
    stopped = RailBreaker.objects.exclude(state=BreakerState.CLOSED).values_list("rail", flat=True)
    return UnusableRails(set(stopped), _names_switched_off())


def _names_switched_off() -> set[str]:
    return set(ProviderSwitch.objects.filter(is_on=False).values_list("provider", flat=True))


def has_failures(rail: str) -> bool:
    """Return whether a rail is stopped or has failed since it last paid."""
    statement = f"SELECT rail FROM {_BREAKER} WHERE rail = %s AND (state <> %s OR failures > 0)"  # noqa: S608
    return bool(sql.rows(statement, [rail, BreakerState.CLOSED.value]))


def has_failures_orm(rail: str) -> bool:
    failed = ~Q(state=BreakerState.CLOSED) | Q(failures__gt=0)
    return RailBreaker.objects.filter(failed, rail=rail).exists()


# Limits: the last statements of the transaction that opens attempts, while all other openings wait


def lock_limits() -> list[LimitRow]:
    """Make openings and changes of limits follow each other; return kind, version and sats, oldest first.

    One statement: the derived table is read first, so that the limits are read after the lock is held.
    """
    statement = (
        f"SELECT l.kind, l.version, l.amount_sats FROM ({select_lock()}) held"  # noqa: S608
        f" JOIN {PaymentLimit._meta.db_table} l ORDER BY l.version"
    )
    return list(sql.rows(statement, [LIMITS_LOCK]))


def lock_limits_orm() -> list[LimitRow]:
    Lock.objects.select_for_update().get(name=LIMITS_LOCK)
    return list(PaymentLimit.objects.order_by("version").values_list("kind", "version", "amount_sats"))


def limit_usage(*, day_keys: Collection[str], oldest_minute: str) -> Iterator[UsageRow]:
    """Yield what counts: kind, key and msat of these payees' days, and of all minutes from the oldest on."""
    statement = (
        f"SELECT kind, `key`, used_msat FROM {LimitUsage._meta.db_table}"  # noqa: S608
        f" WHERE kind = %s AND `key` >= %s OR kind = %s AND `key` IN ({sql.placeholders(day_keys)})"
    )
    minutes = (LimitKind.TOTAL_HOUR.value, oldest_minute)
    yield from sql.rows(statement, [*minutes, LimitKind.PER_PAYEE_DAY.value, *day_keys])


def limit_usage_orm(*, day_keys: Collection[str], oldest_minute: str) -> Iterator[UsageRow]:
    minutes = Q(kind=LimitKind.TOTAL_HOUR, key__gte=oldest_minute)
    days = Q(kind=LimitKind.PER_PAYEE_DAY, key__in=day_keys)
    yield from LimitUsage.objects.filter(minutes | days).values_list("kind", "key", "used_msat")


def admit(ids: Collection[int], *, at: datetime, limit_version: int | None) -> int:
    """Record that disbursements passed the limits, and clear why they had waited; return how many there were."""
    statement = (
        f"UPDATE {_DISBURSEMENT} SET admitted_at = %s, admitted_by_version = %s,"  # noqa: S608
        f" failure_code = '', failure_facts = '{{}}' WHERE id IN ({sql.placeholders(ids)})"
    )
    return sql.run(statement, [at, limit_version, *ids])


def admit_orm(ids: Collection[int], *, at: datetime, limit_version: int | None) -> int:
    return Disbursement.objects.filter(pk__in=ids).update(
        admitted_at=at, admitted_by_version=limit_version, failure_code="", failure_facts={}
    )
