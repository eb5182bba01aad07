from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from ledger.audit_queries import last_audits
from ledger.queries import open_receivables
from sunusav.core.metrics import Metric, Sample


def _receivables(now: datetime) -> Iterator[Sample]:
    amounts: dict[tuple[str, str], int] = defaultdict(int)
    for receivable in open_receivables():
        amounts[receivable.account.role.value, receivable.account.currency.value] += receivable.amount
    for (role, currency), amount in amounts.items():
        yield Sample(amount, {"role": role, "currency": currency})


def _receivable_age(now: datetime) -> Iterator[Sample]:
    found = open_receivables()
    if found:
        yield Sample(int((now - found[0].since).total_seconds()))


def _audit_age(now: datetime) -> Iterator[Sample]:
    for kind, run in last_audits(now=now).runs.items():
        yield Sample(int((now - run.ended_at).total_seconds()), {"kind": kind.value})


def _audit_breaches(now: datetime) -> Iterator[Sample]:
    for kind, run in last_audits(now=now).runs.items():
        yield Sample(run.breaches_found, {"kind": kind.value})


METRICS = [
    Metric("receivables", "What accounts of a role owe back, in their currency.", _receivables),
    Metric("receivable_age_seconds", "For how long the oldest of them has been owed.", _receivable_age),
    Metric(
        "audit_age_seconds", "How long ago the last audit of a kind ended; none before the first.", _audit_age
    ),
    Metric("audit_breaches", "How many breaches the last audit of a kind found.", _audit_breaches),
]
