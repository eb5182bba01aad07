"""What channels can send."""

from __future__ import annotations

from typing import Any

import pytest

from lightning.client.lnd import MAX_PARTS
from lightning.liquidity import sendable_over
from lightning.proto.lightning_pb2 import Channel, ChannelConstraints
from transfers.types import Sendable


def channel(local_balance: int, *, reserve_sats: int = 0, active: bool = True, **fields: Any) -> Channel:
    constraints = ChannelConstraints(chan_reserve_sat=reserve_sats)
    return Channel(active=active, local_balance=local_balance, local_constraints=constraints, **fields)


OPENED_BY_US: dict[str, Any] = {"initiator": True, "commit_fee": 3_110, "fee_per_kw": 2_501}


@pytest.mark.parametrize(
    ("given", "sendable_sats"),
    [
        (channel(1_000_000), 1_000_000),
        (channel(1_000_000, reserve_sats=10_000), 990_000),
        (channel(9_999, reserve_sats=10_000), 0),
        (channel(1_000_000, active=False), 0),
        # 3,110 more for a fee rate twice as high, and twice 430.172 for one more HTLC, each rounded up.
        (channel(1_000_000, reserve_sats=10_000, **OPENED_BY_US), 1_000_000 - 10_000 - 3_110 - 2 * 431),
        (channel(1_000_000, commit_fee=3_110, fee_per_kw=2_501), 1_000_000),
    ],
    ids=[
        "no reserve",
        "reserve",
        "below the reserve",
        "inactive",
        "opened by us",
        "opened by the other side",
    ],
)
def test_sendable_over_one_channel_is_without_what_must_stay(given: Channel, sendable_sats: int) -> None:
    assert sendable_over([given]) == Sendable(sendable_sats * 1_000, sendable_sats * 1_000)


def test_sendable_over_many_channels_is_at_most_the_largest_parts_in_one_payment() -> None:
    balances = [100 * (number + 1) for number in range(MAX_PARTS + 2)]
    total_sats = sum(balances)
    assert sendable_over(map(channel, balances)) == Sendable(
        total_msat=total_sats * 1_000, largest_msat=(total_sats - 100 - 200) * 1_000
    )


def test_sendable_over_no_channel_is_nothing() -> None:
    assert sendable_over([]) == Sendable(0, 0)
