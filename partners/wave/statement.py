"""Wave's list of transactions, day by day, to be matched with our books."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from ledger.types import xof
from partners.wave.client import Row, WaveClient, francs_of
from partners.wire import AnswerLost
from transfers.types import ProviderPayment

PAYOUT, REVERSAL = "api_payout", "api_payout_reversal"
ONE_DAY = timedelta(days=1)


def payments_since(first: date, *, today: date, client: WaveClient) -> Iterator[ProviderPayment]:
    """List the payouts of every day from today back to the first one.

    A reversal comes after its payout, so that it is known when the payout is listed: as one line, reversed.
    """
    reversed_references: set[str] = set()
    day = today
    while day >= first:
        rows = list(_rows_of(day, client))
        reversed_references |= {_reference(row) for row in rows if row.get("transaction_type") == REVERSAL}
        for row in rows:
            if row.get("transaction_type") == PAYOUT and not row.get("is_reversal"):
                yield _line(row, is_reversed=_reference(row) in reversed_references)
        day -= ONE_DAY


def _rows_of(day: date, client: WaveClient) -> Iterator[Row]:
    """Return the transactions of a day, page by page. Raises: AnswerLost, also for a page that repeats itself."""
    after = ""
    while True:
        page = client.transactions(day=day, after=after)
        items, info = page.get("items"), page.get("page_info")
        if not isinstance(items, list) or not isinstance(info, dict):
            raise AnswerLost("a page without transactions")
        yield from (row for row in items if isinstance(row, dict))
        if not info.get("has_next_page"):
            return
        cursor = info.get("end_cursor")
        if not isinstance(cursor, str) or cursor in ("", after):
            raise AnswerLost("a page without a cursor to the next")
        after = cursor


def _line(row: Row, *, is_reversed: bool) -> ProviderPayment:
    """Return a line. `amount` of Wave is what the balance changed by: what the phone got, and the fee."""
    try:
        fee = francs_of(row.get("fee"))
        received = -francs_of(row.get("amount")) - fee
    except ValueError as error:
        raise AnswerLost("a transaction that is not in whole francs") from error
    return ProviderPayment(
        reference=_reference(row), is_paid=not is_reversed, is_open=False, amount=xof(received), cost=xof(fee),
        is_reversed=is_reversed,
    )  # fmt: skip


def _reference(row: Row) -> str:
    """Return our reference; a payout that was made without one, by hand, by the name of its transaction."""
    return str(row.get("client_reference") or row.get("transaction_id") or "")
