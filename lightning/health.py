from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from lightning.client import AccessScope, LndClient, NodeError, access_for
from lightning.client.access_check import macaroon_error
from lightning.liquidity import sendable_over
from lightning.node_clock import clock_offset_seconds
from lightning.proto import lightning_pb2, state_pb2
from lightning.recent import Recent
from sunusav.core.clock import database_clock
from sunusav.core.health import DEGRADED, DOWN, OK, HealthCheck, HealthReport
from sunusav.core.money import msat_from_sats

MAX_CLOCK_OFFSET_SECONDS = 5
# The measurement makes seven calls, and clocks drift slowly.
MEASURE_CLOCK_EVERY_SECONDS = 60.0
_offset: Recent[int] = Recent(MEASURE_CLOCK_EVERY_SECONDS)


def node_health(client: LndClient, *, measure_clock: Callable[[], int]) -> HealthReport:
    """Report the node's start state, network, sync, clock, and what can be sent. An unreachable node is down.

    `measure_clock` returns how many seconds the node's clock is ahead of ours. Raises: NodeError.
    """
    try:
        return _report(client, measure_clock)
    except NodeError as error:
        return HealthReport(DOWN, error.evidence)


def _report(client: LndClient, measure_clock: Callable[[], int]) -> HealthReport:
    state = state_pb2.WalletState.Name(client.get_state().state)
    if state != "SERVER_ACTIVE":
        return HealthReport(DOWN, {"state": state})
    info = client.get_info()
    networks = [chain.network for chain in info.chains]
    offset_seconds = measure_clock()
    channels = client.list_channels().channels
    sendable = sendable_over(channels)
    inactive = [_shown(channel) for channel in channels if not channel.active]
    facts = {
        "state": state,
        "version": info.version,
        "node": info.identity_pubkey,
        "networks": networks,
        "synced_to_chain": info.synced_to_chain,
        "active_channels": len(channels) - len(inactive),
        "inactive_channels": inactive,
        "local_balance_msat": client.channel_balance().local_balance.msat,
        "sendable_msat": sendable.total.amount,
        "largest_payment_msat": sendable.largest.amount,
        "clock_offset_seconds": offset_seconds,
    }
    if networks != [client.access.network]:
        return HealthReport(DOWN, facts)
    has_all_channels = channels and not inactive
    is_well = info.synced_to_chain and has_all_channels and _is_near(offset_seconds)
    return HealthReport(OK if is_well else DEGRADED, facts)


def _shown(channel: lightning_pb2.Channel) -> dict[str, Any]:
    """Return what an operator needs to reconnect a channel's peer, and our balance in it."""
    return {
        "channel_point": channel.channel_point,
        "peer": channel.remote_pubkey,
        "local_balance_msat": msat_from_sats(channel.local_balance),
    }


def _is_near(offset_seconds: int) -> bool:
    """Return whether a whole second, rounded down, lies within the limit."""
    return -MAX_CLOCK_OFFSET_SECONDS <= offset_seconds < MAX_CLOCK_OFFSET_SECONDS


def _lightning(now: datetime) -> HealthReport:
    """Compare the node's clock with the database's, by which workers set the deadlines of their sends."""
    client = LndClient(access_for(AccessScope.READONLY))
    return node_health(
        client,
        measure_clock=lambda: _offset.get(lambda: clock_offset_seconds(client, database_clock())),
    )


def _macaroons(now: datetime) -> HealthReport:
    """Report the access scopes of this process whose macaroon cannot be used, each with the reason."""
    given = {scope: access for scope in AccessScope if (access := access_for(scope)).has_macaroon}
    errors = {str(scope): macaroon_error(scope, access, now=now) for scope, access in given.items()}
    refused = {scope: error for scope, error in errors.items() if error}
    return HealthReport(DEGRADED if refused else OK, {"refused_macaroons": refused})


HEALTH_CHECKS = [HealthCheck("lightning", _lightning), HealthCheck("lightning", _macaroons)]
