from __future__ import annotations

import pytest
from pytest_django import Settings

from lightning.client import LndClient
from lightning.health import HEALTH_CHECKS, node_health
from lightning.node_clock import clock_offset_seconds
from sandbox.lnd.control import Record
from sunusav.core import clock
from tests.lightning.world import PLATFORM, PLENTY_MSAT, World


def health(world: World, **access: str) -> tuple[str, Record]:
    client = LndClient(world.access("monitoring", **access))
    report = node_health(client, measure_clock=lambda: clock_offset_seconds(client, clock.now))
    return report.status, report.facts


def test_node_health_of_a_ready_node_is_ok(world: World, our_pubkey: str) -> None:
    status, facts = health(world)
    assert status == "ok"
    assert (facts["state"], facts["node"], facts["networks"]) == ("SERVER_ACTIVE", our_pubkey, ["regtest"])
    assert facts["local_balance_msat"] == PLENTY_MSAT
    assert (facts["sendable_msat"], facts["largest_payment_msat"]) == (PLENTY_MSAT, PLENTY_MSAT)
    assert (facts["active_channels"], facts["inactive_channels"]) == (1, [])
    assert facts["clock_offset_seconds"] == 0


def test_node_health_with_an_inactive_channel_is_degraded_and_shows_what_can_be_sent(world: World) -> None:
    """As after a crash of the node: the balance counts the channel, but nothing in it can be sent."""
    world.control.set_money(PLATFORM, local_msat=30_000_000, reserve_msat=1_000_000)
    world.control.set_options(PLATFORM, inactive_msat=700_000_000)
    status, facts = health(world)
    assert status == "degraded"
    assert facts["local_balance_msat"] == 730_000_000
    assert (facts["sendable_msat"], facts["largest_payment_msat"]) == (29_000_000, 29_000_000)
    (inactive,) = facts["inactive_channels"]
    assert inactive == {
        "channel_point": f"{facts['node'][2:]}:1",
        "peer": "02" + "5a" * 32,
        "local_balance_msat": 700_000_000,
    }


@pytest.mark.parametrize(
    ("offset_seconds", "status"), [(3, "ok"), (-3, "ok"), (8, "degraded"), (-8, "degraded")]
)
def test_node_health_shows_how_far_the_nodes_clock_is_ahead(
    world: World, offset_seconds: int, status: str
) -> None:
    world.control.set_clock(offset_seconds=offset_seconds)
    reported, facts = health(world)
    assert (reported, facts["clock_offset_seconds"]) == (status, offset_seconds)


def test_node_health_of_a_node_that_checks_no_macaroons_is_degraded(world: World) -> None:
    world.control.set_options(PLATFORM, checks_macaroons=False)
    reported, facts = health(world)
    assert (reported, facts["clock_offset_seconds"]) == ("degraded", -64)


@pytest.mark.django_db
def test_health_check_measures_the_clock_once_a_minute(world: World, settings: Settings) -> None:
    """The second report is as old as the first: the check is asked often, and clocks drift slowly."""
    access = world.access("readonly")
    settings.LND_HOST, settings.LND_NETWORK = access.host, access.network
    settings.LND_TLS_CERT_PATH = access.tls_cert_path
    settings.LND_READONLY_MACAROON_PATH = access.macaroon_path
    (check,) = HEALTH_CHECKS
    measured = check.run(clock.now()).facts["clock_offset_seconds"]
    world.control.set_clock(offset_seconds=measured + 20)
    assert check.run(clock.now()).facts["clock_offset_seconds"] == measured


@pytest.mark.parametrize(
    ("options", "status", "fact"),
    [
        ({"wallet_state": "LOCKED"}, "down", ("state", "LOCKED")),
        ({"wallet_state": "UNLOCKED"}, "down", ("state", "UNLOCKED")),
        ({"synced_to_chain": False}, "degraded", ("synced_to_chain", False)),
        ({"shown_network": "mainnet"}, "down", ("networks", ["mainnet"])),
    ],
)
def test_node_health_of_an_unready_node_shows_why(
    world: World, options: Record, status: str, fact: tuple[str, object]
) -> None:
    world.control.set_options(PLATFORM, **options)
    reported, facts = health(world)
    assert (reported, facts[fact[0]]) == (status, fact[1])


def test_node_health_without_a_node_is_down(world: World) -> None:
    world.control.stop_serving(PLATFORM)
    status, facts = health(world)
    assert (status, facts["error"]) == ("down", "NodeUnavailable")


def test_node_health_without_a_macaroon_is_down(world: World) -> None:
    status, facts = health(world, macaroon_path="")
    assert (status, facts["error"]) == ("down", "NodeMisconfigured")
