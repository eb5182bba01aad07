from __future__ import annotations

from datetime import datetime

from lightning.client import AccessScope, LndClient, NodeError, access_for
from lightning.proto import state_pb2
from sunusav.core.health import DEGRADED, DOWN, OK, HealthCheck, HealthReport


def node_health(client: LndClient) -> HealthReport:
    """Report the node's start state, network, sync and balance. An unreachable node is down."""
    try:
        return _report(client)
    except NodeError as error:
        return HealthReport(DOWN, error.evidence)


def _report(client: LndClient) -> HealthReport:
    state = state_pb2.WalletState.Name(client.get_state().state)
    if state != "SERVER_ACTIVE":
        return HealthReport(DOWN, {"state": state})
    info = client.get_info()
    networks = [chain.network for chain in info.chains]
    facts = {
        "state": state,
        "version": info.version,
        "node": info.identity_pubkey,
        "networks": networks,
        "synced_to_chain": info.synced_to_chain,
        "active_channels": info.num_active_channels,
        "local_balance_msat": client.channel_balance().local_balance.msat,
    }
    if networks != [client.access.network]:
        return HealthReport(DOWN, facts)
    return HealthReport(OK if info.synced_to_chain and info.num_active_channels else DEGRADED, facts)


def _lightning(now: datetime) -> HealthReport:
    return node_health(LndClient(access_for(AccessScope.READONLY)))


HEALTH_CHECKS = [HealthCheck("lightning", _lightning)]
