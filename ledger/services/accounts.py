"""Opening accounts on their first use, also when several callers use one first at the same time."""

from collections.abc import Iterable

from ledger.models import Account
from ledger.types import AccountRef

# SQLite binds at most 250,000 values per statement, and MySQL limits the packet; a thousand rows fit both.
BATCH = 1_000


def open_accounts(refs: Iterable[AccountRef]) -> None:
    """Make sure that these accounts exist, in the caller's transaction.

    Equal inserts wait for each other on the unique key, and the later one changes nothing. Accounts are inserted in
    the order of their codes, so that two callers cannot deadlock.
    """
    wanted = sorted(set(refs), key=lambda ref: ref.code)
    Account.objects.bulk_create(
        [Account(code=ref.code, role=ref.role, currency=ref.currency, owner=ref.owner) for ref in wanted],
        ignore_conflicts=True,
        batch_size=BATCH,
    )


def account_ids(refs: Iterable[AccountRef]) -> dict[str, int]:
    """Return the ids of these accounts by code, opening those that are new."""
    wanted = {ref.code: ref for ref in refs}
    found = _ids(wanted)
    missing = [ref for code, ref in wanted.items() if code not in found]
    if missing:
        open_accounts(missing)
        found |= _ids(ref.code for ref in missing)
    return found


def _ids(codes: Iterable[str]) -> dict[str, int]:
    wanted = sorted(codes)
    found: dict[str, int] = {}
    for start in range(0, len(wanted), BATCH):
        rows = Account.objects.filter(code__in=wanted[start : start + BATCH])
        found.update(rows.values_list("code", "id"))
    return found
