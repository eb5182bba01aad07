"""What members have not used of their credit for long, read by a task: adding it up takes too long for a page."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from sunusav.core.money import MSAT_PER_SAT
from sunusav.core.readings import store_reading
from transfers.credit_queries import credits_by_age

OLD_CREDIT: Final = "payouts:old_credit"
CREDIT_IS_OLD_AFTER: Final = timedelta(days=30)
# The task reads it every hour.
READ_WITHIN: Final = timedelta(hours=6)


def read_old_credit(*, now: datetime) -> int:
    """Store how many members have credit older than 30 days, how much it is, and since when; return how many.

    Less than a sat cannot be paid out, and does not count.
    """
    old = [credit for credit in credits_by_age() if credit.at < now - CREDIT_IS_OLD_AFTER]
    by_owner: Counter[str] = Counter()
    for credit in old:
        by_owner[credit.owner] += credit.left
    payable = {owner: left for owner, left in by_owner.items() if left >= MSAT_PER_SAT}
    since = next((credit.at for credit in old if credit.owner in payable), None)
    facts = {"members": len(payable), "left_msat": sum(payable.values()), "since": since}
    store_reading(OLD_CREDIT, facts, now=now)
    return len(payable)
