"""`manage.py check_macaroons`."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from tests.lightning.world import PLATFORM, WALLETS, World
from tests.support.lightning import settings_of

NONE = {f"LND_{scope}_MACAROON_PATH": "" for scope in ("PAYING", "INVOICING", "READONLY")}


def run(world: World, *arguments: str, **changes: Any) -> tuple[str, str]:
    """Run the command; return what it wrote, and its error."""
    out, failure = StringIO(), ""
    with override_settings(**(settings_of(world.process) | changes)):
        try:
            call_command("check_macaroons", *arguments, stdout=out)
        except CommandError as error:
            failure = str(error)
    return out.getvalue(), failure


@pytest.mark.parametrize("arguments", [(), ("--ask",)])
def test_check_macaroons_baked_for_their_scopes_are_fit(world: World, arguments: tuple[str, ...]) -> None:
    out, failure = run(world, *arguments)
    assert failure == ""
    assert "SendPaymentV2, TrackPaymentV2, ListPayments" in out
    assert out.count("accepts it") == (3 if arguments else 0)
    assert "forbidden" not in out
    assert "missing" not in out


def test_check_macaroons_with_forbidden_right_shows_the_bake_command(world: World) -> None:
    admin = world.process.node(PLATFORM).macaroon_paths["admin"]
    out, failure = run(world, LND_PAYING_MACAROON_PATH=str(admin))
    assert failure == "not fit for use: paying"
    assert "forbidden  offchain:write: may delete payments" in out
    assert "lncli bakemacaroon uri:/routerrpc.Router/SendPaymentV2" in out


def test_check_macaroons_with_missing_right_names_the_method(world: World) -> None:
    monitoring = world.process.node(PLATFORM).macaroon_paths["monitoring"]
    out, failure = run(world, "--ask", LND_INVOICING_MACAROON_PATH=str(monitoring))
    assert failure == "not fit for use: invoicing"
    assert "missing    AddInvoice" in out
    assert "refused    /lnrpc.Lightning/LookupInvoice UNKNOWN permission denied" in out


def test_check_macaroons_of_another_node_is_refused_only_by_the_node(world: World) -> None:
    foreign = str(world.process.node(WALLETS).macaroon_paths["monitoring"])
    assert run(world, LND_READONLY_MACAROON_PATH=foreign)[1] == ""
    out, failure = run(world, "--ask", LND_READONLY_MACAROON_PATH=foreign)
    assert failure == "not fit for use: readonly"
    assert "verification failed" in out


def test_check_macaroons_without_node_is_unfit(world: World) -> None:
    world.control.stop_serving(PLATFORM)
    out, failure = run(world, "--ask")
    assert failure == "not fit for use: paying, invoicing, readonly"
    assert "UNAVAILABLE" in out


def test_check_macaroons_as_hex_does_not_show_it(world: World) -> None:
    text = world.process.node(PLATFORM).macaroon_hex("paying")
    out, failure = run(world, **NONE, LND_PAYING_MACAROON_HEX=text)
    assert failure == ""
    assert "paying: LND_PAYING_MACAROON_HEX" in out
    assert "invoicing: none in this process" in out
    assert text not in out


def test_check_macaroons_given_as_path_and_hex_is_unfit(world: World) -> None:
    out, failure = run(world, LND_PAYING_MACAROON_HEX="0201")
    assert failure == "not fit for use: paying"
    assert "given twice" in out


def test_check_macaroons_of_unreadable_file_is_unfit(world: World, tmp_path: Path) -> None:
    file = tmp_path / "paying.macaroon"
    whole = world.process.node(PLATFORM).macaroon_paths["paying"].read_bytes()
    for content, text in (
        (b"not a macaroon", "cannot determine data format of binary-encoded macaroon"),
        (whole[:-1], "unmarshal v2: field data extends past end of buffer"),
    ):
        file.write_bytes(content)
        out, failure = run(world, LND_PAYING_MACAROON_PATH=str(file))
        assert failure == "not fit for use: paying"
        assert f"unreadable {text}" in out


def test_check_macaroons_of_an_earlier_release_names_the_missing_method(world: World, tmp_path: Path) -> None:
    """Health did not list the channels then."""
    earlier = [("uri", path) for path in ("/lnrpc.Lightning/GetInfo", "/lnrpc.Lightning/ChannelBalance")]
    file = tmp_path / "readonly.macaroon"
    file.write_bytes(bytes.fromhex(world.control.bake_macaroon(PLATFORM, earlier)))
    out, failure = run(world, "--ask", LND_READONLY_MACAROON_PATH=str(file))
    assert failure == "not fit for use: readonly"
    assert "missing    ListChannels" in out
    assert "refused    /lnrpc.Lightning/ListChannels UNKNOWN permission denied" in out


def test_check_macaroons_without_any_macaroon_is_an_error(world: World) -> None:
    assert run(world, **NONE)[1] == "no macaroon is configured in this process"
