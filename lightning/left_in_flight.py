"""Payments that the node reports as in flight while they are nowhere under way. Pure.

LND may be killed after it stored an attempt and before a channel has its HTLC. It then reports the payment as in flight
without end. Source: https://github.com/lightningnetwork/lnd/issues/9340.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from lightning.proto import lightning_pb2

Attempt = lightning_pb2.HTLCAttempt
Channel = lightning_pb2.Channel


def is_left_in_flight(payment: lightning_pb2.Payment, channels: Collection[Channel]) -> bool:
    """Return whether attempts of a payment are in flight by its record, and in no channel.

    A channel that is closing is not listed, and one whose peer is not connected is inactive: the HTLC may be under way
    there. So the first channel of each attempt must be listed and active. An attempt that succeeded has paid.
    """
    in_flight = attempts_in_flight(payment)
    if not in_flight or any(one.status == Attempt.SUCCEEDED for one in payment.htlcs):
        return False
    payment_hash = bytes.fromhex(payment.payment_hash)
    if any(_offers(channel, payment_hash) for channel in channels):
        return False
    active = {channel.chan_id for channel in channels if channel.active}
    return all(first_channel_of(one) in active for one in in_flight)


def attempts_in_flight(payment: lightning_pb2.Payment) -> Sequence[Attempt]:
    """Return the attempts that are not known to have ended; LND may add values to their status."""
    return [one for one in payment.htlcs if one.status not in {Attempt.SUCCEEDED, Attempt.FAILED}]


def first_channel_of(attempt: Attempt) -> int:
    """Return the channel by which an attempt leaves our node; 0, which no channel has, without a route."""
    return attempt.route.hops[0].chan_id if attempt.route.hops else 0


def evidence_of_search(payment: lightning_pb2.Payment, channels: Collection[Channel]) -> dict[str, Any]:
    """Return what was looked at: the attempts with their first channels, and all channels."""
    return {
        "attempts_in_flight": [
            {
                "attempt_id": one.attempt_id, "attempt_time_ns": one.attempt_time_ns,
                "first_channel": str(first_channel_of(one)),
            }
            for one in attempts_in_flight(payment)
        ],
        "channels_searched": {
            str(channel.chan_id): "active" if channel.active else "inactive" for channel in channels
        },
    }  # fmt: skip


def _offers(channel: Channel, payment_hash: bytes) -> bool:
    """Return whether an outgoing HTLC of this hash is pending in a channel."""
    return any(not htlc.incoming and htlc.hash_lock == payment_hash for htlc in channel.pending_htlcs)
