"""Channels: what the balance counts, and what can be sent."""

from __future__ import annotations

from lightning.proto import methods
from sandbox.lnd.control import Control
from sandbox.lnd.process import SimulatorProcess
from tests.sandbox.lnd.wire import Wire


def test_inactive_channel_counts_in_the_balance_and_is_listed_unless_only_active_ones_are(
    platform: Wire, control: Control
) -> None:
    control.set_money("platform", local_msat=30_000_000, reserve_msat=1_000_000)
    control.set_options("platform", inactive_msat=700_000_000)
    assert platform.call(methods.CHANNEL_BALANCE).local_balance.msat == 730_000_000
    listed = platform.call(methods.LIST_CHANNELS).channels
    assert [(one.active, one.local_balance) for one in listed] == [(True, 30_000), (False, 700_000)]
    assert len({one.channel_point for one in listed}) == 2
    (active,) = platform.call(methods.LIST_CHANNELS, active_only=True).channels
    assert active == listed[0]
    info = platform.call(methods.GET_INFO)
    assert (info.num_active_channels, info.num_inactive_channels) == (1, 1)


def test_send_over_an_inactive_channel_is_impossible(platform: Wire, control: Control) -> None:
    control.set_money("platform", local_msat=30_000_000)
    control.set_options("platform", inactive_msat=700_000_000)
    payment = platform.send(control.invoice("wallets", 40_000_000)["payment_request"])[-1]
    assert (payment.status, payment.failure_reason) == (payment.FAILED, 5)  # INSUFFICIENT_BALANCE
    assert (
        len(platform.send(control.invoice("wallets", 20_000_000)["payment_request"])[-1].payment_preimage)
        == 64
    )


def test_inactive_channel_survives_a_restart(own_world: SimulatorProcess) -> None:
    own_world.control.set_options("platform", inactive_msat=5_000)
    own_world.restart()
    listed = Wire(own_world.node("platform")).call(methods.LIST_CHANNELS).channels
    own_world.control.set_options("platform", inactive_msat=0)
    assert [one.active for one in listed] == [True, False]
