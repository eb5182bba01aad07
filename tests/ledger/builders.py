"""Accounts, postings, rates, people and a local market for the tests of this app."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection, transaction

from ledger.enums import AccountRole, Currency
from ledger.invariants.seals import SEAL_INVARIANTS
from ledger.models import ExchangeRate, JournalEntry
from ledger.rates.sources import Answer, JsonSource
from ledger.services import post
from ledger.types import AccountRef, Line, Posting
from sunusav.core.auditing import AuditScope, Breach
from sunusav.core.migration_operations import AppendOnly
from sunusav.core.models import User
from sunusav.core.roles import Role, sync_roles

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

NODE = AccountRef(AccountRole.NODE, Currency.MSAT)
CREDIT = AccountRef(AccountRole.PARTNER_RESERVE, Currency.MSAT, "user:one")
OTHER_CREDIT = AccountRef(AccountRole.PARTNER_RESERVE, Currency.MSAT, "user:two")
FUND = AccountRef(AccountRole.COMMUNITY_FUND, Currency.MSAT)
WAVE_RESERVE = AccountRef(AccountRole.PARTNER_RESERVE, Currency.MSAT, "wave")
POT = AccountRef(AccountRole.GROUP_POT, Currency.MSAT, "cycle:one")
POSITION_MSAT = AccountRef(AccountRole.CURRENCY_POSITION, Currency.MSAT)
POSITION_XOF = AccountRef(AccountRole.CURRENCY_POSITION, Currency.XOF)
BANK = AccountRef(AccountRole.BANK, Currency.XOF)


def lines(amount: int = 1_000, *, to: AccountRef = CREDIT) -> list[Line]:
    """Return lines that credit an amount received by the node to an account."""
    return [Line(NODE, amount), Line(to, -amount)]


def received(reference: str, amount: int = 1_000, *, to: AccountRef = CREDIT, at: datetime = NOW) -> int:
    return post(kind="deposit", reference=reference, lines=lines(amount, to=to), at=at, subject="user:one")


def posting(reference: str, amount: int = 1_000, **fields: Any) -> Posting:
    facts = {"kind": "deposit", "lines": tuple(lines(amount)), "at": NOW, "subject": "user:one"}
    return Posting(reference=reference, **{**facts, **fields})


def plain_sum(ref: AccountRef) -> int:
    """Sum an account's entries one by one, without checkpoints."""
    return sum(JournalEntry.objects.filter(account__code=ref.code).values_list("amount", flat=True))


def stored_rate(rate: str = "9123457", *, at: datetime = NOW, **fields: Any) -> ExchangeRate:
    return ExchangeRate.objects.create(
        rate_xof_per_btc=Decimal(rate), **{"source": "market", "observed_at": at, "recorded_at": at, **fields}
    )


def broken_links(since: datetime | None = None) -> list[Breach]:
    """Audit the hash chain of the books, or its end since a moment."""
    [chain_holds] = [invariant for invariant in SEAL_INVARIANTS if invariant.code == "I18"]
    return list(chain_holds.find(AuditScope(now=NOW, since=since)))


def person(name: str, *roles: Role) -> User:
    sync_roles()
    user = User.objects.create_user(name, is_staff=True)
    user.groups.set(Group.objects.filter(name__in=[role.value for role in roles]))
    return User.objects.get(pk=user.pk)


@contextmanager
def triggers_dropped(*tables: str) -> Iterator[None]:
    """Let a test corrupt append-only tables, as a person with the database's password could.

    On MySQL this commits, so tests that use it are transactional; the triggers come back afterwards.
    """
    for table in tables:
        for verb in ("update", "delete"):
            run_sql(f"DROP TRIGGER {table}_no_{verb}")
    try:
        yield
    finally:
        for table in tables:
            with connection.schema_editor() as editor:
                AppendOnly(table).database_forwards("ledger", editor, None, None)


@contextmanager
def rolled_back() -> Iterator[None]:
    """Roll back what the block wrote."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def run_sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


class Market(ThreadingHTTPServer):
    """A local server that answers like a market source, with what the test sets."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _MarketHandler)
        self.body = b""
        self.status = 200
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answers(self, document: Any, *, status: int = 200) -> Market:
        self.body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.status = status
        return self


class _MarketHandler(BaseHTTPRequestHandler):
    server: Market

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name)
        """Stay silent."""


@contextmanager
def running_market() -> Iterator[Market]:
    market = Market()
    thread = threading.Thread(target=market.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield market
    finally:
        market.shutdown()
        thread.join()
        market.server_close()


def coinbase_answer(amount: Any, *, base: str = "BTC", currency: str = "EUR") -> dict[str, Any]:
    return {"data": {"amount": amount, "base": base, "currency": currency}}


def kraken_answer(amount: Any, *, pair: str = "XXBTZEUR") -> dict[str, Any]:
    return {"error": [], "result": {pair: {"a": [amount, "1", "1"], "c": [amount, "0.01"]}}}


def bitstamp_answer(amount: Any, *, at: datetime = NOW) -> dict[str, Any]:
    return {"last": amount, "timestamp": str(int(at.timestamp())), "pair": "BTC/EUR"}


class FixedSource(JsonSource):
    """A source that answers a fixed price in francs, with a time stamp of its own if it is given one."""

    def __init__(
        self, name: str, amount: Any, currency: str = "XOF", *, observed_at: datetime | None = None
    ) -> None:
        self.name, self.amount, self.currency, self.observed_at = name, amount, currency, observed_at

    def read(self) -> Any:
        return Answer(self.amount, self.currency, self.observed_at)
