"""The node's identity, our rights there and what it can send, queried at most once a second."""

from __future__ import annotations

from lightning.client import AccessScope, LndClient, NodeMisconfigured, NodeUnavailable
from lightning.client.access_check import require_methods
from lightning.liquidity import sendable_over
from lightning.proto import lightning_pb2
from lightning.recent import Recent
from transfers.types import Sendable

KEEP_SECONDS = 1.0


class NodeFacts:
    """Short-lived answers of the node, so that a batch does not query it once per payment.

    An error is kept as well, so that the calls of a batch do not each wait for a node that does not answer.
    The identity may be a second old: the channel pins the node's certificate, so another node cannot answer
    in its place.
    """

    def __init__(self, client: LndClient, *, keep_seconds: float = KEEP_SECONDS) -> None:
        self._client = client
        self._info: Recent[lightning_pb2.GetInfoResponse] = Recent(keep_seconds)
        self._rights: Recent[None] = Recent(keep_seconds)
        self._channels: Recent[lightning_pb2.ListChannelsResponse] = Recent(keep_seconds)

    def ready_pubkey(self) -> str:
        """Return the node's public key when it is ready to pay.

        Raises: NodeMisconfigured when it is on another network, NodeUnavailable when it is not synced.
        """
        return self._ready(self._info.get(self._client.get_info))

    def fresh_pubkey(self) -> str:
        """Query the node's public key now, ready to pay or not."""
        return self._info.fresh(self._client.get_info).identity_pubkey

    def sendable(self) -> Sendable:
        """Return what can be sent over the active channels, and what lies in the others.

        Raises: NodeMisconfigured when the macaroon lacks a method of paying: the node would list its channels all the
        same, and refuse each payment.
        """
        self._rights.get(lambda: require_methods(AccessScope.PAYING, self._client.access))
        return sendable_over(self._channels.get(self._client.list_channels).channels)

    def _ready(self, info: lightning_pb2.GetInfoResponse) -> str:
        expected = self._client.access.network
        networks = [chain.network for chain in info.chains]
        if networks != [expected]:
            raise NodeMisconfigured(f"the node is on {networks}, LND_NETWORK is {expected}")
        if not info.synced_to_chain:
            raise NodeUnavailable("the node is not synced to the chain")
        return info.identity_pubkey
