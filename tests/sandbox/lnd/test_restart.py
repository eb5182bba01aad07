"""What survives a SIGKILL of the simulated node, and the outcome of open payments."""

from __future__ import annotations

import hashlib
from pathlib import Path

import grpc
import pytest

from lightning.proto import methods
from sandbox.lnd.process import SimulatorExited, SimulatorProcess
from tests.sandbox.lnd.wire import Wire, fresh_preimage, reason, status


def start_in_flight(world: SimulatorProcess, *steps: dict[str, object]) -> tuple[str, object]:
    """Start a payment that its steps hold; return its hash and the call, which the caller must keep referenced."""
    invoice = world.control.invoice("wallets", 5_000)
    world.control.script("platform", *steps, payment_hash=invoice["payment_hash"], count=1)
    stream = Wire(world.node("platform")).start(invoice["payment_request"])
    place = str(steps[0].get("at", "in_flight"))
    assert world.control.wait("platform", place, payment_hash=invoice["payment_hash"]) == 1
    return str(invoice["payment_hash"]), stream


def last_message(world: SimulatorProcess, payment_hash: str) -> tuple[str, str]:
    message = list(Wire(world.node("platform")).track(payment_hash))[-1]
    return status(message), reason(message)


def test_payment_in_flight_survives_and_settles(own_world: SimulatorProcess) -> None:
    pid = own_world.pid
    payment_hash, _call = start_in_flight(own_world, {"do": "hold", "at": "in_flight"})
    before = own_world.control.nodes()
    own_world.restart()
    assert own_world.pid != pid
    assert own_world.control.nodes() == before
    assert Wire(own_world.node("platform")).status_of(payment_hash) == "IN_FLIGHT"
    own_world.control.wait("platform", "in_flight", payment_hash=payment_hash)
    own_world.control.release("platform", payment_hash=payment_hash)
    assert last_message(own_world, payment_hash) == ("SUCCEEDED", "NONE")
    (row,) = own_world.control.payments_of("platform", payment_hash)
    assert (row["sends"], row["accepted"], row["successes"]) == (1, 1, 1)


def test_payment_in_flight_that_fails_after_a_restart_has_no_route(own_world: SimulatorProcess) -> None:
    payment_hash, _call = start_in_flight(own_world, {"do": "hold", "at": "in_flight"})
    own_world.restart()
    Wire(own_world.node("wallets")).call(methods.CANCEL_INVOICE, payment_hash=bytes.fromhex(payment_hash))
    own_world.control.release("platform", payment_hash=payment_hash, point="in_flight")
    assert last_message(own_world, payment_hash) == ("FAILED", "NO_ROUTE")


def test_row_without_htlc_fails_with_no_route_and_can_be_sent_again(own_world: SimulatorProcess) -> None:
    payment_hash, _call = start_in_flight(own_world, {"do": "hold", "at": "created"})
    own_world.restart()
    assert last_message(own_world, payment_hash) == ("FAILED", "NO_ROUTE")
    request = own_world.control.payments_of("platform", payment_hash)[0]["payment_request"]
    assert status(Wire(own_world.node("platform")).send(request)[-1]) == "SUCCEEDED"


def test_call_killed_before_row_creation_is_not_found(own_world: SimulatorProcess) -> None:
    payment_hash, _call = start_in_flight(own_world, {"do": "hold", "at": "arrived"})
    own_world.restart()
    assert Wire(own_world.node("platform")).status_of(payment_hash) == "NOT_FOUND"
    assert own_world.control.payments_of("platform", payment_hash) == []


@pytest.mark.parametrize(("stays", "outcome"), [(False, "FAILED"), (True, "IN_FLIGHT")])
def test_stuck_payment_fails_at_restart_unless_even_after_restart(
    own_world: SimulatorProcess, stays: bool, outcome: str
) -> None:
    invoice = own_world.control.invoice("wallets", 5_000)
    own_world.control.script(
        "platform", {"do": "stuck", "even_after_restart": stays}, payment_hash=invoice["payment_hash"]
    )
    next(Wire(own_world.node("platform")).start(invoice["payment_request"]))
    own_world.restart()
    assert Wire(own_world.node("platform")).status_of(invoice["payment_hash"]) == outcome


def test_held_invoice_settles_after_the_restart(own_world: SimulatorProcess) -> None:
    preimage = fresh_preimage()
    payment_hash = hashlib.sha256(preimage).digest()
    wallets = Wire(own_world.node("wallets"))
    held = wallets.call(methods.ADD_HOLD_INVOICE, hash=payment_hash, value_msat=9_000)
    stream = Wire(own_world.node("platform")).start(held.payment_request)
    assert [len(next(stream).htlcs) for _ in range(2)] == [0, 1]
    own_world.restart()
    Wire(own_world.node("wallets")).call(methods.SETTLE_INVOICE, preimage=preimage)
    assert last_message(own_world, payment_hash.hex()) == ("SUCCEEDED", "NONE")


def test_state_published_before_a_kill_is_present_after_it(own_world: SimulatorProcess) -> None:
    control = own_world.control
    control.set_clock(frozen_at=1_900_000_000)
    control.set_options("platform", alias="still here")
    control.script("platform", {"do": "fail", "reason": "ERROR"}, count=2)
    assert (
        control.pay("platform", control.invoice("wallets", 5_000)["payment_request"])["status"] == "SUCCEEDED"
    )
    address = own_world.node("platform")
    before = control.payments("platform"), control.invoices("wallets"), control.nodes()
    own_world.restart()
    control = own_world.control
    assert (control.payments("platform"), control.invoices("wallets"), control.nodes()) == before
    assert own_world.node("platform") == address
    assert control.set_clock(advance_seconds=0) == 1_900_000_000
    request = control.invoice("wallets", 5_000)["payment_request"]
    assert status(Wire(own_world.node("platform")).send(request)[-1]) == "FAILED"


def test_node_restarts_while_a_client_streams(own_world: SimulatorProcess) -> None:
    platform = Wire(own_world.node("platform"))
    invoice = own_world.control.invoice("wallets", 5_000)
    own_world.control.script(
        "platform", {"do": "hold", "at": "in_flight"}, payment_hash=invoice["payment_hash"]
    )
    stream = platform.start(invoice["payment_request"])
    own_world.control.wait("platform", "in_flight", payment_hash=invoice["payment_hash"])
    own_world.kill()
    with pytest.raises(grpc.RpcError) as caught:
        list(stream)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    own_world.start()


def test_second_process_on_the_same_folder_is_refused(own_world: SimulatorProcess) -> None:
    with pytest.raises(SimulatorExited, match="another simulated node runs in"):
        SimulatorProcess(own_world.folder).start()


def test_start_on_taken_port_exits_with_one_line(own_world: SimulatorProcess, tmp_path: Path) -> None:
    port = own_world.node("platform").target.split(":")[1]
    with pytest.raises(SimulatorExited, match="is taken"):
        SimulatorProcess(tmp_path / "other", [f"platform:{port}"]).start()


def test_stop_is_clean_and_removes_the_ready_file(tmp_path: Path) -> None:
    world = SimulatorProcess(tmp_path / "world", ["platform"])
    world.start()
    world.stop()
    assert not (world.folder / "ready.json").exists()
    assert "Traceback" not in (world.folder / "simulator.log").read_text()


def test_macaroon_of_an_earlier_release_is_replaced_and_a_current_one_kept(
    own_world: SimulatorProcess,
) -> None:
    address = own_world.node("platform")
    current = address.macaroon_hex("invoicing")
    earlier = own_world.control.bake_macaroon("platform", [("uri", methods.GET_INFO.path)])
    address.macaroon_paths["paying"].write_bytes(bytes.fromhex(earlier))
    own_world.restart()
    Wire(address, address.macaroon_hex("paying")).call(methods.LIST_CHANNELS)
    assert address.macaroon_hex("invoicing") == current
