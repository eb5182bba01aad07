"""The node's identity and balance, queried at most once a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from lightning.client import LndClient, NodeMisconfigured, NodeUnavailable
from lightning.proto import lightning_pb2

Answer = TypeVar("Answer")
KEEP_SECONDS = 1.0


class _Cached(Generic[Answer]):
    """The last answer of one query, reused for a short time."""

    def __init__(self, query: Callable[[], Answer], keep_seconds: float) -> None:
        self._query, self._keep_seconds = query, keep_seconds
        self._last: tuple[float, Answer] | None = None

    def get(self) -> Answer:
        last = self._last
        if last is None or time.monotonic() - last[0] > self._keep_seconds:
            last = self._last = time.monotonic(), self._query()
        return last[1]

    def fresh(self) -> Answer:
        self._last = None
        return self.get()


class NodeFacts:
    """Short-lived answers of the node, so that a batch does not query it once per payment.

    The identity may be a second old: the channel pins the node's certificate, so another node cannot answer
    in its place.
    """

    def __init__(self, client: LndClient, *, keep_seconds: float = KEEP_SECONDS) -> None:
        self._client = client
        self._info = _Cached(client.get_info, keep_seconds)
        self._balance = _Cached(client.channel_balance, keep_seconds)

    def ready_pubkey(self) -> str:
        """Return the node's public key when it is ready to pay.

        Raises: NodeMisconfigured when it is on another network, NodeUnavailable when it is not synced.
        """
        return self._ready(self._info.get())

    def fresh_pubkey(self) -> str:
        """Query the node's public key now, ready to pay or not."""
        return self._info.fresh().identity_pubkey

    def local_balance_msat(self) -> int:
        return self._balance.get().local_balance.msat

    def _ready(self, info: lightning_pb2.GetInfoResponse) -> str:
        expected = self._client.access.network
        networks = [chain.network for chain in info.chains]
        if networks != [expected]:
            raise NodeMisconfigured(f"the node is on {networks}, LND_NETWORK is {expected}")
        if not info.synced_to_chain:
            raise NodeUnavailable("the node is not synced to the chain")
        return info.identity_pubkey
