"""Credit that members have not used up, read by a task: adding it up takes too long for a page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final

from ledger.types import UnusedCredit
from sunusav.core.money import MSAT_PER_SAT
from sunusav.core.readings import store_reading
from transfers.credit_queries import credits_by_age

OLD_CREDIT: Final = "payouts:old_credit"
CREDIT_BY_AGE: Final = "payouts:credit_by_age"
CREDIT_IS_OLD_AFTER: Final = timedelta(days=30)
# The task reads it every hour.
READ_WITHIN: Final = timedelta(hours=6)
# Credits that the page lists, the oldest first.
CREDITS_KEPT: Final = 500


def read_old_credit(*, now: datetime) -> int:
    """Store the oldest credits that are not used up, and what of all of them is old; return how many members have old.

    Old is more than 30 days. Less than a sat cannot be paid out, and does not count as old.
    """
    found = credits_by_age()
    oldest = [asdict(credit) for credit in found[:CREDITS_KEPT]]
    store_reading(CREDIT_BY_AGE, {"count": len(found), "oldest": oldest}, now=now)
    return _store_old(found, now=now)


def _store_old(found: Sequence[UnusedCredit], *, now: datetime) -> int:
    old = [credit for credit in found if credit.at < now - CREDIT_IS_OLD_AFTER]
    by_owner: Counter[str] = Counter()
    for credit in old:
        by_owner[credit.owner] += credit.left
    payable = {owner: left for owner, left in by_owner.items() if left >= MSAT_PER_SAT}
    since = next((credit.at for credit in old if credit.owner in payable), None)
    facts = {"members": len(payable), "left_msat": sum(payable.values()), "since": since}
    store_reading(OLD_CREDIT, facts, now=now)
    return len(payable)
