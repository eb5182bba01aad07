"""`manage.py check_macaroons`: what the configured macaroons may do, told to an operator."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from tests.lightning.world import PLATFORM, WALLETS, World
from tests.support.lightning import settings_of

NONE = {f"LND_{errand}_MACAROON_PATH": "" for errand in ("PAYING", "INVOICING", "READONLY")}


def told(world: World, *arguments: str, **changes: Any) -> tuple[str, str]:
    """Run the command; return what it wrote, and its error."""
    out, failure = StringIO(), ""
    with override_settings(**(settings_of(world.process) | changes)):
        try:
            call_command("check_macaroons", *arguments, stdout=out)
        except CommandError as error:
            failure = str(error)
    return out.getvalue(), failure


@pytest.mark.parametrize("arguments", [(), ("--ask",)])
def test_macaroons_baked_for_their_errands_are_fit(world: World, arguments: tuple[str, ...]) -> None:
    out, failure = told(world, *arguments)
    assert failure == ""
    assert "SendPaymentV2, TrackPaymentV2, ListPayments" in out
    assert out.count("accepts it") == (3 if arguments else 0)
    assert "too much" not in out
    assert "missing" not in out


def test_macaroon_that_may_too_much_is_named_with_what_to_bake(world: World) -> None:
    admin = world.process.node(PLATFORM).macaroon_paths["admin"]
    out, failure = told(world, LND_PAYING_MACAROON_PATH=str(admin))
    assert failure == "not fit for use: paying"
    assert "too much   offchain:write: may delete payments" in out
    assert "lncli bakemacaroon uri:/routerrpc.Router/SendPaymentV2" in out


def test_macaroon_that_lacks_a_right_is_named(world: World) -> None:
    monitoring = world.process.node(PLATFORM).macaroon_paths["monitoring"]
    out, failure = told(world, "--ask", LND_INVOICING_MACAROON_PATH=str(monitoring))
    assert failure == "not fit for use: invoicing"
    assert "missing    AddInvoice" in out
    assert "refused    /lnrpc.Lightning/LookupInvoice UNKNOWN permission denied" in out


def test_macaroon_of_another_node_reads_well_and_is_refused_when_asked(world: World) -> None:
    foreign = str(world.process.node(WALLETS).macaroon_paths["monitoring"])
    assert told(world, LND_READONLY_MACAROON_PATH=foreign)[1] == ""
    out, failure = told(world, "--ask", LND_READONLY_MACAROON_PATH=foreign)
    assert failure == "not fit for use: readonly"
    assert "verification failed" in out


def test_node_that_is_away_is_told(world: World) -> None:
    world.control.stop_serving(PLATFORM)
    out, failure = told(world, "--ask")
    assert failure == "not fit for use: paying, invoicing, readonly"
    assert "UNAVAILABLE" in out


def test_macaroon_given_as_hex_is_read_and_not_shown(world: World) -> None:
    text = world.process.node(PLATFORM).macaroon_hex("paying")
    out, failure = told(world, **NONE, LND_PAYING_MACAROON_HEX=text)
    assert failure == ""
    assert "paying: LND_PAYING_MACAROON_HEX" in out
    assert "invoicing: none in this process" in out
    assert text not in out


def test_macaroon_given_twice_is_unfit(world: World) -> None:
    out, failure = told(world, LND_PAYING_MACAROON_HEX="0201")
    assert failure == "not fit for use: paying"
    assert "given twice" in out


def test_file_that_is_no_macaroon_is_unfit(world: World, tmp_path: Path) -> None:
    file = tmp_path / "paying.macaroon"
    file.write_text("not a macaroon")
    out, failure = told(world, LND_PAYING_MACAROON_PATH=str(file))
    assert failure == "not fit for use: paying"
    assert "unreadable cannot unmarshal macaroon" in out


def test_process_without_any_macaroon_is_told_so(world: World) -> None:
    assert told(world, **NONE)[1] == "no macaroon is configured in this process"
