from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from lightning.access_scopes import NEEDED, AccessScope
from lightning.client import LndClient
from lightning.health import HEALTH_CHECKS, node_health
from lightning.node_clock import clock_offset_seconds
from lightning.proto import methods
from sandbox.lnd.control import Record
from sunusav.core import clock
from tests.lightning.world import PLATFORM, PLENTY_MSAT, WALLETS, World
from tests.support.lightning import settings_of


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
    check = HEALTH_CHECKS[0]
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


@pytest.fixture
def configured(world: World, settings: Settings) -> Settings:
    for name, value in settings_of(world.process).items():
        setattr(settings, name, value)
    return settings


def macaroon_health() -> tuple[str, dict[str, str]]:
    report = HEALTH_CHECKS[1].run(clock.now())
    return report.status, report.facts["refused_macaroons"]


def test_macaroons_that_the_node_accepts_are_ok(configured: Settings) -> None:
    assert macaroon_health() == ("ok", {})


@pytest.mark.parametrize(
    ("scope", "kind"), [("paying", "paying"), ("invoicing", "invoicing"), ("readonly", "monitoring")]
)
def test_truncated_macaroon_is_named_by_its_scope(
    world: World, configured: Settings, tmp_path: Path, scope: str, kind: str
) -> None:
    file = tmp_path / "cut.macaroon"
    file.write_bytes(world.process.node(PLATFORM).macaroon_paths[kind].read_bytes()[:-1])
    setattr(configured, f"LND_{scope.upper()}_MACAROON_PATH", str(file))
    refused = {scope: "unmarshal v2: field data extends past end of buffer"}
    assert macaroon_health() == ("degraded", refused)
    world.control.stop_serving(PLATFORM)
    assert macaroon_health() == ("degraded", refused), "it is known without the node"


@pytest.mark.parametrize(
    ("path", "text", "error"),
    [
        (
            "/nowhere/paying.macaroon",
            "",
            "the paying macaroon: No such file or directory: /nowhere/paying.macaroon",
        ),
        ("", "0201zz", "the paying macaroon is not hexadecimal"),
        ("/nowhere/paying.macaroon", "0201", "the paying macaroon is given twice, as a path and as hex"),
    ],
)
def test_macaroon_that_cannot_be_read_is_named_by_its_scope(
    configured: Settings, path: str, text: str, error: str
) -> None:
    configured.LND_PAYING_MACAROON_PATH, configured.LND_PAYING_MACAROON_HEX = path, text
    assert macaroon_health() == ("degraded", {"paying": error})


def test_macaroon_of_another_node_is_named_by_its_scope(world: World, configured: Settings) -> None:
    foreign = world.process.node(WALLETS).macaroon_paths["invoicing"]
    configured.LND_INVOICING_MACAROON_PATH = str(foreign)
    status, refused = macaroon_health()
    text = "verification failed: signature mismatch after caveat verification"
    assert (status, refused) == ("degraded", {"invoicing": f"/lnrpc.Lightning/GetInfo UNKNOWN {text}"})


def test_macaroon_without_a_right_to_change_something_is_named_with_it(
    world: World, configured: Settings, tmp_path: Path
) -> None:
    """No read-only call would show that it cannot create invoices."""
    others = [("uri", one.path) for one in NEEDED[AccessScope.INVOICING] if one is not methods.ADD_INVOICE]
    file = tmp_path / "narrow.macaroon"
    file.write_bytes(bytes.fromhex(world.control.bake_macaroon(PLATFORM, others)))
    configured.LND_INVOICING_MACAROON_PATH = str(file)
    assert macaroon_health() == ("degraded", {"invoicing": "missing: AddInvoice"})


def test_macaroons_of_an_unreachable_node_are_not_refused(world: World, configured: Settings) -> None:
    world.control.stop_serving(PLATFORM)
    assert macaroon_health() == ("ok", {})


def test_macaroons_that_this_process_does_not_have_are_not_reported(configured: Settings) -> None:
    configured.LND_PAYING_MACAROON_PATH = ""
    assert macaroon_health() == ("ok", {})
