"""B5: the time of a payout with a million others in the books, against its time with a thousand.

The thousand are paid; the database makes the million as copies of them in every table that a payout writes.
"""

import json
import os
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from django.db import connection, models, transaction

from bench.forks import seconds_of
from bench.payout import seed
from bench.ratios import print_ratio, spread
from fees.models import FeeAssessment, FeeRecord
from ledger.models import Account, JournalEntry, JournalTransaction
from sunusav.core.models import TrailEntry
from transfers.engine.runner import run_due
from transfers.models import Attempt, Disbursement, PaymentOrder

FEW, MANY, MANY_IF_QUICK = 1_000, 1_000_000, 50_000
QUICK_ROUNDS = 2
TIMED, WARM_UP = 60, 10
COPIES_AT_ONCE = 10
# The tables that a payout writes, each after those its foreign keys point to.
TABLES: tuple[type[models.Model], ...] = (
    Account, FeeAssessment, Disbursement, JournalTransaction, JournalEntry, PaymentOrder, Attempt, FeeRecord,
    TrailEntry,
)  # fmt: skip
# Columns with a text that names the row itself or another row.
NAMES = {"subject", "reference", "code", "disbursement_ref", "owner", "debit_owner"}


def main(rounds: int) -> int:
    many = MANY_IF_QUICK if rounds <= QUICK_ROUNDS else MANY
    pay_all(seed("few", FEW))
    few = [p50(f"few-{number}") for number in range(rounds)]
    began = time.monotonic()
    copy_rows(many // FEW - 1)
    filling = time.monotonic() - began
    full = [p50(f"many-{number}") for number in range(rounds)]
    print_ratio(
        "B5", median(full) / median(few),
        f"p50 {spread(full, ' us')} with {Disbursement.objects.count():,} payouts, {spread(few, ' us')} with {FEW:,};"
        f" {rounds} rounds of {TIMED}; filled in {filling:.0f} s",
    )  # fmt: skip
    return 0  # a ratio below its target is printed and no failure: it depends on the machine


def pay_all(orders: Sequence[dict[str, Any]]) -> None:
    seconds_of(lambda: None, [run_due])
    paid = Disbursement.objects.filter(pk__in=[order["id"] for order in orders], state="completed")
    assert paid.count() == len(orders), "some payouts were not completed"


def p50(name: str) -> float:
    """Pay one after the other in a child; return the median in microseconds."""
    file = Path(os.environ["BENCH_FOLDER"]) / f"{name}.json"
    seed(name, TIMED + WARM_UP)
    seconds_of(lambda: None, [partial(_timed_payouts, file)])
    took: list[float] = json.loads(file.read_text())
    return median(took[WARM_UP:]) * 1_000_000


def _timed_payouts(file: Path) -> None:
    took = []
    for _ in range(TIMED + WARM_UP):
        began = time.perf_counter()
        assert run_due(slots=1, limit=1).worked == 1
        took.append(time.perf_counter() - began)
    file.write_text(json.dumps(took))


def copy_rows(copies: int) -> None:
    """Copy every row of the tables `copies` times, with new keys and references."""
    strides = {model: _highest(model) for model in TABLES}
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION foreign_key_checks = 0, SESSION unique_checks = 0")
        for start in range(1, copies + 1, COPIES_AT_ONCE):
            numbers = range(start, min(start + COPIES_AT_ONCE, copies + 1))
            with transaction.atomic():
                for model in TABLES:
                    cursor.execute(_copying(model, strides, numbers))
        cursor.execute("SET SESSION foreign_key_checks = 1, SESSION unique_checks = 1")
        for model in TABLES:
            cursor.execute(f"ANALYZE TABLE {model._meta.db_table}")
            cursor.fetchall()


def _highest(model: type[models.Model]) -> int:
    return int(model._base_manager.aggregate(highest=models.Max("pk"))["highest"])


def _copying(model: type[models.Model], strides: dict[type[models.Model], int], numbers: range) -> str:
    columns = dict(_columns(model, strides))
    copies = " UNION ALL ".join(f"SELECT {number} AS n" for number in numbers)
    return (
        f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) SELECT {', '.join(columns.values())}"
        f" FROM {model._meta.db_table} AS o, ({copies}) AS c WHERE o.id <= {strides[model]}"
    )


def _columns(model: type[models.Model], strides: dict[type[models.Model], int]) -> Iterator[tuple[str, str]]:
    """Yield each stored column with the SQL expression of its copy."""
    for field in model._meta.concrete_fields:
        if field.generated:
            continue
        column = str(field.column)
        moved = model if field.primary_key else field.related_model
        if moved in strides:
            yield column, f"o.{column} + c.n * {strides[moved]}"
        elif field.name in NAMES:
            yield column, f"CONCAT(o.{column}, '~', c.n)"
        else:
            yield column, f"o.{column}"
