"""What can be sent over our channels, and what lies in channels that cannot send."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ledger.types import msat
from lightning.client.lnd import MAX_PARTS
from lightning.proto import lightning_pb2
from sunusav.core.money import msat_from_sats
from transfers.types import Sendable, Unusable

# What one more HTLC adds to a commitment transaction. Source: LND `input.HTLCWeight`. Units: weight units.
HTLC_WEIGHT = 172
WEIGHT_PER_KW = 1_000
# The smallest part that LND splits a payment into. Source: LND v0.21.2 `routing.DefaultShardMinAmt`.
MIN_PART_MSAT = 10_000_000


def sendable_over(channels: Iterable[lightning_pb2.Channel]) -> Sendable:
    """Return what the active channels can send: in all, and in one payment.

    The balance of an inactive channel is unusable; LND counts it in `ChannelBalance` all the same.
    """
    listed = list(channels)
    amounts = [_sendable_msat(channel) for channel in listed if channel.active]
    return Sendable(
        total=msat(sum(amounts)),
        largest=msat(_largest_msat(amounts)),
        unusable=tuple(
            Unusable(channel.channel_point, msat(msat_from_sats(channel.local_balance)))
            for channel in listed
            if not channel.active and channel.local_balance
        ),
    )


def _largest_msat(amounts_msat: Sequence[int]) -> int:
    """Return an upper bound of one payment: whole over one channel, or in parts of at least `MIN_PART_MSAT`.

    LND halves what no channel carries until one does, and gives up below the smallest part or at the last of the parts.
    So less may go: halves fill a channel only up to a point, and sixteen of them may not suffice.
    Source: LND v0.21.2 `routing/payment_session.go` RequestRoute.
    """
    in_descending_order = sorted(amounts_msat, reverse=True)
    parts_msat = [one for one in in_descending_order[:MAX_PARTS] if one >= MIN_PART_MSAT]
    return max(sum(parts_msat), *in_descending_order[:1], 0)


def _sendable_msat(channel: lightning_pb2.Channel) -> int:
    """Return what one more HTLC could carry.

    LND has already taken the commitment's fee, the anchors and the HTLCs in flight from the local balance.
    Source: LND `channeldb.ChannelCommitment`, `lnwallet/channel.go` availableCommitmentBalance and validateUpdates.
    """
    if not channel.initiator and not _opener_can_pay_one_more_htlc(channel):
        return 0
    available_sats = channel.local_balance - channel.local_constraints.chan_reserve_sat
    if channel.initiator:
        available_sats -= _fee_buffer_sats(channel)
    return max(0, min(msat_from_sats(available_sats), _left_in_flight_msat(channel)))


def _fee_buffer_sats(channel: lightning_pb2.Channel) -> int:
    """Return what LND keeps on top of the fee that our commitment already pays: all of it again, at twice the rate.

    Rounding: up, with one sat for the fraction that LND cut from the fee that is paid. Source: LND `CalcFeeBuffer`.
    """
    return channel.commit_fee + _fee_sats(channel, 2 * HTLC_WEIGHT) + 1


def _opener_can_pay_one_more_htlc(channel: lightning_pb2.Channel) -> bool:
    """Return whether the peer that opened the channel can pay for another HTLC; else only dust could be sent."""
    spare_sats = channel.remote_balance - channel.remote_constraints.chan_reserve_sat
    return spare_sats >= _fee_sats(channel, HTLC_WEIGHT)


def _left_in_flight_msat(channel: lightning_pb2.Channel) -> int:
    """Return what the peer lets us add to what is in flight: it limits both the amount and the number of HTLCs.

    Rounding: down: LND reports HTLCs in whole sats, so each may be almost a sat larger.
    """
    limits = channel.local_constraints
    in_flight_sats = [htlc.amount + 1 for htlc in channel.pending_htlcs if not htlc.incoming]
    if len(in_flight_sats) >= limits.max_accepted_htlcs:
        return 0
    return limits.max_pending_amt_msat - msat_from_sats(sum(in_flight_sats))


def _fee_sats(channel: lightning_pb2.Channel, weight: int) -> int:
    """Return the fee of this weight. Rounding: up."""
    return -(-channel.fee_per_kw * weight // WEIGHT_PER_KW)
