"""S1: the proposal of a month with a million fees, against one plain SUM of the database over the same index.

Both read the same rows of the same index. The proposal is all that closing a window does, but it is rolled back, so
that each round closes the same month. The memory is that of a process that proposes once, with a tenth of the fees
and with all.
"""

import json
import os
import resource
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from bench.accrual_filling import PARTNER, charge_first, fill_month
from bench.forks import seconds_of
from bench.ratios import paired, print_ratio, spread
from fees.models import FeeRecord
from partners.settlements.calculations import month_of
from partners.settlements.services.windows import close_window
from sunusav.core.models import User
from sunusav.core.roles import Role
from tests.factories.settlements import IN_OCTOBER, ON_THE_FIRST
from tests.factories.users import make_user

ACCRUALS, ACCRUALS_IF_QUICK = 1_000_000, 100_000
QUICK_ROUNDS = 2
WARM_UP = 1
MONTH = month_of(IN_OCTOBER, sequence=1)
KIB_PER_MIB = 1024
# What the shares are worth, and how many sats they are.
WORTH, SHARES = "SUM(partner_sats * rate_xof_per_btc)", "SUM(partner_sats)"


def main(rounds: int) -> int:
    accruals = ACCRUALS_IF_QUICK if rounds <= QUICK_ROUNDS else ACCRUALS
    maker, first = make_user(Role.FINANCE), charge_first(at=MONTH.start)
    began, peaks_kib = time.monotonic(), []
    for through in (accruals // 10, accruals):
        fill_month(first, start=MONTH.start, end=MONTH.end, through=through)
        peaks_kib.append(peak_kib(maker))
    filling = time.monotonic() - began
    measured = [_round(maker) for _ in range(rounds + WARM_UP)][WARM_UP:]
    ours, worth, shares = ([one[side] for one in measured] for side in range(3))
    print_ratio(
        "S1", paired(ours, worth),
        f"proposal {_ms(ours)}, SUM of shares at their rates {_ms(worth)}, SUM of shares {_ms(shares)}"
        f" ({paired(ours, shares):.2f} of it)",
        f"{FeeRecord.objects.count():,} fees at {_rates():,} rates; {rounds} rounds; filled in {filling:.0f} s",
    )  # fmt: skip
    print_ratio(
        "S1+", peaks_kib[1] / peaks_kib[0],
        f"{peaks_kib[1] / KIB_PER_MIB:,.1f} MiB with {accruals:,} fees, {peaks_kib[0] / KIB_PER_MIB:,.1f} MiB with"
        f" {accruals // 10:,}",
    )  # fmt: skip
    return 0  # a ratio below its target is printed and no failure: it depends on the machine


def _round(maker: User) -> tuple[float, float, float]:
    return (
        _seconds(partial(propose, maker)), _seconds(partial(plain_sum, WORTH)), _seconds(partial(plain_sum, SHARES)),
    )  # fmt: skip


def propose(maker: User) -> None:
    """Close the month and propose its settlement, and roll it back."""
    with transaction.atomic():
        close_window(partner=PARTNER, proposer=maker, now=ON_THE_FIRST)
        transaction.set_rollback(True)


def plain_sum(what: str) -> Any:
    """Have the database add up the shares of all fees of the month in one statement."""
    table = FeeRecord._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {what} FROM {table} WHERE settlement_partner = %s AND completed_at < %s",
            [PARTNER, MONTH.end],
        )
        return cursor.fetchone()[0]


def peak_kib(maker: User) -> int:
    """Propose in a process of its own; return the most memory that it had."""
    file = Path(os.environ["BENCH_FOLDER"]) / "peak.json"
    seconds_of(lambda: None, [partial(_propose_and_measure, maker, file)])
    peak: int = json.loads(file.read_text())
    return peak


def _propose_and_measure(maker: User, file: Path) -> None:
    propose(maker)
    file.write_text(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _ms(seconds: Any) -> str:
    return spread([one * 1_000 for one in seconds], " ms")


def _rates() -> int:
    return FeeRecord.objects.values("rate_xof_per_btc").distinct().count()
