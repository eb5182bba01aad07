"""What can be sent over our channels."""

from __future__ import annotations

from collections.abc import Iterable

from lightning.client.lnd import MAX_PARTS
from lightning.proto import lightning_pb2
from transfers.types import Sendable

MSAT_PER_SAT = 1_000
# What one more HTLC adds to a commitment transaction. Source: LND `input.HTLCWeight`. Units: weight units.
HTLC_WEIGHT = 172
WEIGHT_PER_KW = 1_000


def sendable_over(channels: Iterable[lightning_pb2.Channel]) -> Sendable:
    """Return what these channels can send in all, and in one payment: the parts that the largest ones can carry."""
    amounts = sorted((_sendable_msat(channel) for channel in channels if channel.active), reverse=True)
    return Sendable(total_msat=sum(amounts), largest_msat=sum(amounts[:MAX_PARTS]))


def _sendable_msat(channel: lightning_pb2.Channel) -> int:
    """Return our balance without the reserve and the fees that must stay in the channel.

    The side that opened a channel pays the fee of its commitment, and LND keeps as much again for twice the fee rate.
    Source: LND `lnwallet/channel.go`, availableCommitmentBalance.
    """
    kept_sats = channel.local_constraints.chan_reserve_sat
    if channel.initiator:
        kept_sats += channel.commit_fee + 2 * _htlc_fee_sats(channel)
    return max(0, channel.local_balance - kept_sats) * MSAT_PER_SAT


def _htlc_fee_sats(channel: lightning_pb2.Channel) -> int:
    """Return the fee of one more HTLC. Rounding: up, so that too much is kept rather than too little."""
    return -(-channel.fee_per_kw * HTLC_WEIGHT // WEIGHT_PER_KW)
