from __future__ import annotations

import pytest

from lightning.client import LndClient
from lightning.health import node_health
from sandbox.lnd.control import Record
from tests.lightning.world import PLATFORM, PLENTY_MSAT, World


def health(world: World, **access: str) -> tuple[str, Record]:
    report = node_health(LndClient(world.access("readonly", **access)))
    return report.status, report.facts


def test_node_health_of_a_ready_node_is_ok(world: World, our_pubkey: str) -> None:
    status, facts = health(world)
    assert status == "ok"
    assert (facts["state"], facts["node"], facts["networks"]) == ("SERVER_ACTIVE", our_pubkey, ["regtest"])
    assert facts["local_balance_msat"] == PLENTY_MSAT


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
