"""What channels can send."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.types import msat
from lightning.liquidity import HTLC_WEIGHT, sendable_over
from lightning.proto.lightning_pb2 import HTLC, Channel, ChannelConstraints
from transfers.types import Sendable, Unusable


def channel(
    local_balance: int,
    *,
    reserve_sats: int = 0,
    active: bool = True,
    most_in_flight_sats: int = 10_000_000,
    most_htlcs: int = 483,
    **fields: Any,
) -> Channel:
    constraints = ChannelConstraints(
        chan_reserve_sat=reserve_sats,
        max_pending_amt_msat=most_in_flight_sats * 1_000,
        max_accepted_htlcs=most_htlcs,
    )
    return Channel(active=active, local_balance=local_balance, local_constraints=constraints, **fields)


OPENED_BY_US: dict[str, Any] = {"initiator": True, "commit_fee": 3_110, "fee_per_kw": 2_501}
OPENED_BY_THE_PEER: dict[str, Any] = {
    "commit_fee": 3_110,
    "fee_per_kw": 2_501,
    "remote_constraints": ChannelConstraints(chan_reserve_sat=10_000),
}
OUTGOING = [HTLC(amount=200_000), HTLC(amount=100_000), HTLC(incoming=True, amount=500_000)]


@pytest.mark.parametrize(
    ("given", "sendable_sats"),
    [
        (channel(1_000_000), 1_000_000),
        (channel(1_000_000, reserve_sats=10_000), 990_000),
        (channel(9_999, reserve_sats=10_000), 0),
        (channel(1_000_000, active=False), 0),
        # 3,110 more for a fee rate twice as high, twice 430.172 for one more HTLC, rounded up, and one sat for what
        # LND rounded off the 3,110.
        (channel(1_000_000, reserve_sats=10_000, **OPENED_BY_US), 1_000_000 - 10_000 - 3_110 - 861 - 1),
        # The peer pays for another HTLC, 430.172, from what it has above its own reserve.
        (channel(1_000_000, remote_balance=10_431, **OPENED_BY_THE_PEER), 1_000_000),
        (channel(1_000_000, remote_balance=10_430, **OPENED_BY_THE_PEER), 0),
        (channel(1_000_000, most_in_flight_sats=450_000), 450_000),
        # What is in flight is no part of the balance, but it counts against the peer's limits: each HTLC as a sat more.
        (channel(1_000_000, pending_htlcs=OUTGOING), 1_000_000),
        (channel(1_000_000, most_in_flight_sats=450_000, pending_htlcs=OUTGOING), 149_998),
        (channel(1_000_000, most_in_flight_sats=300_000, pending_htlcs=OUTGOING), 0),
        (channel(1_000_000, most_htlcs=3, pending_htlcs=OUTGOING), 1_000_000),
        (channel(1_000_000, most_htlcs=2, pending_htlcs=OUTGOING), 0),
    ],
    ids=[
        "no reserve",
        "reserve",
        "below the reserve",
        "inactive",
        "opened by us",
        "opened by the peer, who can pay for one more HTLC",
        "opened by the peer, who cannot",
        "peer limits what is in flight",
        "HTLCs in flight",
        "HTLCs in flight and a limit",
        "limit reached",
        "one more HTLC allowed",
        "no more HTLC allowed",
    ],
)
def test_sendable_over_one_channel_is_without_what_must_stay(given: Channel, sendable_sats: int) -> None:
    sendable = sendable_over([given])
    assert (sendable.total.amount, sendable.largest.amount) == (sendable_sats * 1_000, sendable_sats * 1_000)


# The weights of a commitment without HTLCs: legacy, taproot, anchors. Source: LND `input/size.go`.
@given(
    fee_per_kw=st.integers(253, 100_000),
    weight=st.sampled_from([724, 968, 1_124]),
    htlcs=st.integers(0, 20),
)
@example(fee_per_kw=254, weight=724, htlcs=0)
def test_sendable_over_our_own_channel_is_never_more_than_lnd_reports(
    fee_per_kw: int, weight: int, htlcs: int
) -> None:
    """LND: fee of the commitment and its buffer, each for a whole weight, rounded down."""
    weight += htlcs * HTLC_WEIGHT
    paid_sats = fee_per_kw * weight // 1_000
    buffer_sats = 2 * fee_per_kw * (weight + HTLC_WEIGHT) // 1_000
    ours = channel(5_000_000, initiator=True, commit_fee=paid_sats, fee_per_kw=fee_per_kw)
    available_sats = 5_000_000 + paid_sats - buffer_sats
    assert 0 <= max(0, available_sats) - sendable_over([ours]).total.amount // 1_000 <= 3


@pytest.mark.parametrize(
    ("balances", "largest_sats"),
    [
        ([9_999], 9_999),
        ([10_000], 10_000),
        # LND would split the payment into two, and the second part would be below 10,000 sats.
        ([9_999, 9_999], 9_999),
        ([10_000, 9_999], 10_000),
        ([10_000, 10_000], 20_000),
        ([700_000, 300_000, 9_999, 1], 1_000_000),
        ([4_000] * 20, 4_000),
        ([10_000] * 16, 160_000),
        ([10_000] * 17, 160_000),
        ([*[10_000] * 15, 50_000, 20_000], 210_000),
    ],
)
def test_largest_payment_is_of_sixteen_parts_of_ten_thousand_sats_at_least(
    balances: list[int], largest_sats: int
) -> None:
    sendable = sendable_over(map(channel, balances))
    assert sendable == Sendable(total=msat(sum(balances) * 1_000), largest=msat(largest_sats * 1_000))


def test_sendable_over_no_channel_is_nothing() -> None:
    assert sendable_over([]) == Sendable(msat(0), msat(0))


def test_sendable_names_the_balance_of_inactive_channels_as_unusable() -> None:
    channels = [
        channel(700_000, active=False, channel_point="aa:0", reserve_sats=10_000),
        channel(300_000, channel_point="bb:1"),
        channel(0, active=False, channel_point="cc:0"),
    ]
    assert sendable_over(channels) == Sendable(
        total=msat(300_000_000), largest=msat(300_000_000), unusable=(Unusable("aa:0", msat(700_000_000)),)
    )
