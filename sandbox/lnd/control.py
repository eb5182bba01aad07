"""Client of a simulated world's control API. Standard library only."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

TIMEOUT_SECONDS = 60
Record = dict[str, Any]


class ControlError(Exception):
    """The simulated world refused a control call."""


class Control:
    """One method per control call; see docs/simulated-node.md."""

    def __init__(self, port: int, *, host: str = "127.0.0.1") -> None:
        self._base = f"http://{host}:{port}"
        # Ignores the environment's proxy: this is loopback.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    # Stored rows

    def payments(self, node: str) -> list[Record]:
        """Return every payment row of this node, deleted ones included, oldest first. Shows whether it paid twice."""
        listed: list[Record] = self._get("/payments", node=node)["payments"]
        return listed

    def payments_of(self, node: str, payment_hash: str) -> list[Record]:
        return [row for row in self.payments(node) if row["payment_hash"] == payment_hash]

    def invoices(self, node: str) -> list[Record]:
        listed: list[Record] = self._get("/invoices", node=node)["invoices"]
        return listed

    def nodes(self) -> dict[str, Record]:
        listed: dict[str, Record] = self._get("/nodes")["nodes"]
        return listed

    # Scripted faults

    def script(self, node: str, *steps: Record, payment_hash: str = "*", count: int = -1) -> None:
        self._post("/script", node=node, steps=steps, payment_hash=payment_hash, count=count)

    def script_calls(self, node: str, method: str, at: str, step: Record, *, count: int = 1) -> None:
        """Apply a fault to the next calls of an LND method: when `received`, or `before` or `after` execution."""
        self._post("/calls", node=node, method=method, at=at, step=step, count=count)

    def wait_for_call(self, node: str, method: str, *, times: int = 1) -> int:
        """Wait until calls of a method wait at `received`; return how many have so far."""
        return self.wait(node, "received", payment_hash=method, times=times)

    def release_call(self, node: str, method: str) -> int:
        return self.release(node, payment_hash=method, point="received")

    def clear_scripts(self, node: str) -> None:
        self._post("/scripts/clear", node=node)

    def wait(
        self, node: str, point: str, *, payment_hash: str = "*", timeout_seconds: float = 10, times: int = 1
    ) -> int:
        """Wait until a scripted payment has reached the phase; return how often it has (0: not yet)."""
        answer = self._get(
            "/wait", node=node, point=point, payment_hash=payment_hash, timeout=timeout_seconds, times=times
        )
        return int(answer["reached"])

    def release(self, node: str, *, payment_hash: str = "*", point: str | None = None) -> int:
        return int(self._post("/release", node=node, payment_hash=payment_hash, point=point)["released"])

    # Wallets

    def invoice(self, node: str, amount_msat: int, *, memo: str = "", expiry: int = 0) -> Record:
        return self._post("/invoice", node=node, amount_msat=amount_msat, memo=memo, expiry=expiry)

    def pay(
        self,
        node: str,
        payment_request: str,
        *,
        amount_msat: int = 0,
        force_amount_msat: int = 0,
        timeout_seconds: float = 30,
    ) -> Record:
        return self._post(
            "/pay",
            node=node,
            payment_request=payment_request,
            amount_msat=amount_msat,
            force_amount_msat=force_amount_msat,
            timeout=timeout_seconds,
        )

    # The simulated world

    def settle(self, node: str, payment_hash: str) -> Record:
        return self._post("/settle", node=node, payment_hash=payment_hash)

    def fail(self, node: str, payment_hash: str, reason: str = "ERROR") -> Record:
        return self._post("/fail", node=node, payment_hash=payment_hash, reason=reason)

    def forget(self, node: str, payment_hash: str = "*") -> int:
        return int(self._post("/forget", node=node, payment_hash=payment_hash)["forgotten"])

    def set_clock(
        self,
        *,
        offset_seconds: int | None = None,
        advance_seconds: int | None = None,
        frozen_at: int | None = None,
    ) -> int:
        """Shift, advance or freeze the clock; without arguments reset it to the machine's. Return its Unix seconds."""
        changes = {
            "offset_seconds": offset_seconds,
            "advance_seconds": advance_seconds,
            "frozen_at": frozen_at,
        }
        return int(self._post("/clock", **changes)["now"])

    def set_options(self, node: str, **options: object) -> Record:
        return self._post("/options", node=node, **options)

    def set_money(self, node: str, **amounts: int) -> Record:
        return self._post("/money", node=node, **amounts)

    def stop_serving(self, node: str, *, goodbye: bool = False) -> None:
        self._post("/serving", node=node, serving=False, goodbye=goodbye)

    def start_serving(self, node: str) -> None:
        self._post("/serving", node=node, serving=True)

    def go_away(self, node: str) -> None:
        """Send GOAWAY on every connection: open streams continue, new calls need a new connection."""
        self._post("/goaway", node=node)

    def renew_certificate(self, node: str) -> None:
        self._post("/certificate", node=node)

    def bake_macaroon(
        self, node: str, permissions: Sequence[tuple[str, str]], *, time_before: int | None = None
    ) -> str:
        """Return the hex of a macaroon with these (entity, action) permissions."""
        return str(
            self._post("/macaroon", node=node, permissions=permissions, time_before=time_before)["macaroon"]
        )

    def _get(self, path: str, **query: object) -> Record:
        return self._call(f"{path}?{urlencode(query)}", None)

    def _post(self, path: str, **members: object) -> Record:
        return self._call(path, json.dumps(members).encode())

    def _call(self, path: str, body: bytes | None) -> Record:
        request = urllib.request.Request(self._base + path, data=body)
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                answer: Record = json.load(response)
        except urllib.error.HTTPError as error:
            raise ControlError(error.read().decode()) from error
        return answer
