"""Webhooks that a simulated partner sends: stored with what happened, sent by a thread, again until they are taken."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from sandbox.simulator.store import Row, Store

TIMEOUT_SECONDS = 5.0
POLL_SECONDS = 0.1
FIRST_RETRY = timedelta(seconds=1)
MOST_TRIES = 8
TABLES = """
CREATE TABLE IF NOT EXISTS webhooks (
    id INTEGER PRIMARY KEY, body TEXT NOT NULL, method TEXT NOT NULL, url TEXT NOT NULL, due_at TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, status INTEGER NOT NULL DEFAULT 0
);
"""
Sign = Callable[[bytes], Mapping[str, str]]


class Webhooks:
    """The webhooks of one partner; `sign` returns the headers for a body. Without an address nothing is stored.

    `is_retried`: an answer that is not 2xx, or none, is followed by another try, later and later; `is_4xx_final`: but
    not one of 4xx.
    """

    def __init__(
        self, store: Store, sign: Sign, *, is_retried: bool = True, is_4xx_final: bool = False
    ) -> None:
        self._store, self._sign, self._is_retried = store, sign, is_retried
        self._final = range(400, 500) if is_4xx_final else range(0)
        threading.Thread(target=self._run, name="webhooks", daemon=True).start()

    def announce(self, url: str, document: Any, *, method: str = "POST", delay_seconds: float = 0) -> None:
        """Store a webhook, in the transaction of what it is about."""
        if url:
            due_at = self._store.now(later=timedelta(seconds=delay_seconds))
            self._store.insert(
                "webhooks",
                body=json.dumps(document, ensure_ascii=False),
                method=method,
                url=url,
                due_at=due_at,
            )

    def sent(self) -> list[Row]:
        """Return every webhook with how often it was sent and how it was answered."""
        return self._store.rows("SELECT * FROM webhooks ORDER BY id")

    def send_again(self) -> int:
        """Send every webhook once more, as partners do; return how many."""
        known = self.sent()
        for row in known:
            self._store.insert(
                "webhooks", body=row["body"], method=row["method"], url=row["url"], due_at=self._store.now()
            )
        return len(known)

    def _run(self) -> None:
        while True:
            with suppress(Exception):
                self._send_due()
            threading.Event().wait(POLL_SECONDS)

    def _send_due(self) -> None:
        due = self._store.rows(
            "SELECT * FROM webhooks WHERE status NOT BETWEEN 200 AND 299 AND tries < ? AND due_at <= ? ORDER BY id",
            MOST_TRIES if self._is_retried else 1, self._store.now(),
        )  # fmt: skip
        for row in due:
            status = self._post(row)
            wait = FIRST_RETRY * (1 << row["tries"])
            tries = MOST_TRIES if status in self._final else row["tries"] + 1
            self._store.execute(
                "UPDATE webhooks SET tries = ?, status = ?, due_at = ? WHERE id = ?",
                tries, status, self._store.now(later=wait), row["id"],
            )  # fmt: skip

    def _post(self, row: Row) -> int:
        body = row["body"].encode()
        headers = {"Content-Type": "application/json", **self._sign(body)}
        request = urllib.request.Request(row["url"], data=body, headers=headers, method=row["method"])
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0
