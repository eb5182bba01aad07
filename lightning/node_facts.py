"""Which node we speak to and what it can pay, asked at most once a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from lightning.client import LndClient, NodeMisconfigured, NodeUnavailable
from lightning.proto import lightning_pb2

Answer = TypeVar("Answer")
KEEP_SECONDS = 1.0


class _Kept(Generic[Answer]):
    """The last answer to one question, good for a moment."""

    def __init__(self, ask: Callable[[], Answer], keep_seconds: float) -> None:
        self._ask, self._keep_seconds = ask, keep_seconds
        self._last: tuple[float, Answer] | None = None

    def get(self) -> Answer:
        last = self._last
        if last is None or time.monotonic() - last[0] > self._keep_seconds:
            last = self._last = time.monotonic(), self._ask()
        return last[1]

    def fresh(self) -> Answer:
        self._last = None
        return self.get()


class NodeFacts:
    """Answers of the node that hold for a moment, so that a batch does not ask for each payment.

    The certificate is the node's own and is pinned by the channel: another node does not answer in its
    place without our noticing, so its identity may be a second old.
    """

    def __init__(self, client: LndClient, *, keep_seconds: float = KEEP_SECONDS) -> None:
        self._client = client
        self._info = _Kept(client.get_info, keep_seconds)
        self._balance = _Kept(client.channel_balance, keep_seconds)

    def ready_pubkey(self) -> str:
        """Return the identity of a node that may pay now.

        Raises: NodeMisconfigured when it is on another network, NodeUnavailable when it is not synced.
        """
        return self._judged(self._info.get())

    def pubkey_now(self) -> str:
        """Ask the node for its identity, whatever else it is doing."""
        return self._info.fresh().identity_pubkey

    def local_balance_msat(self) -> int:
        return self._balance.get().local_balance.msat

    def _judged(self, info: lightning_pb2.GetInfoResponse) -> str:
        expected = self._client.access.network
        networks = [chain.network for chain in info.chains]
        if networks != [expected]:
            raise NodeMisconfigured(f"the node is on {networks}, LND_NETWORK says {expected}")
        if not info.synced_to_chain:
            raise NodeUnavailable("the node is not synced to the chain")
        return info.identity_pubkey
