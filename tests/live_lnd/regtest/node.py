"""A real LND node: start, kill, restart, ask with lncli, bake macaroons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sandbox.lnd.process import NodeAddress
from sandbox.ports import free_ports
from tests.live_lnd.regtest.chain import PASSWORD, USER, Chain
from tests.live_lnd.regtest.programs import Programs
from tests.live_lnd.regtest.servers import CallFailed, Server, call, call_for_json, wait_until

NETWORK = "regtest"
PAGE = 50
Payment = dict[str, Any]


class LndNode:
    """One node in a folder; a restart uses the same data and ports."""

    def __init__(
        self, name: str, folder: Path, chain: Chain, programs: Programs, *, options: Sequence[str] = ()
    ) -> None:
        self.name, self.folder, self._chain, self._programs = name, folder, chain, programs
        folder.mkdir()
        self.grpc_host, self.p2p_host = (f"127.0.0.1:{port}" for port in free_ports(2))
        self.certificate = folder / "tls.cert"
        self._server = Server(
            [
                *(str(programs.lnd), f"--lnddir={folder}", "--bitcoin.regtest", "--bitcoin.node=btcd"),
                *(f"--btcd.rpchost={chain.rpc_host}", f"--btcd.rpcuser={USER}", f"--btcd.rpcpass={PASSWORD}"),
                *(f"--btcd.rpccert={chain.certificate}", f"--listen={self.p2p_host}"),
                *(f"--rpclisten={self.grpc_host}", "--norest", "--noseedbackup", "--nobootstrap"),
                *("--bitcoin.defaultchanconfs=1", "--trickledelay=100", "--maxbackoff=5s", f"--alias={name}"),
                *options,
            ],
            log=folder / "output.log",
            ready=self._has_rpc,
        )

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._server.kill()

    def restart_after_kill(self) -> None:
        self.kill()
        self.start()
        self.wait_until_synced()

    def cli(self, *arguments: str) -> Any:
        """Return lncli's answer as JSON. Raises: CallFailed."""
        return call_for_json([*self._client(), *arguments])

    def info(self) -> Any:
        return self.cli("getinfo")

    def pubkey(self) -> str:
        return str(self.info()["identity_pubkey"])

    def wait_until_active(self) -> None:
        wait_until(f"{self.name} is active", lambda: self.cli("state")["state"] == "SERVER_ACTIVE")

    def wait_until_synced(self) -> None:
        wait_until(f"{self.name} is synced to the chain", self._is_synced)

    def _is_synced(self) -> bool:
        info = self.info()
        return bool(info["synced_to_chain"]) and int(info["block_height"]) == self._chain.height()

    def active_channels(self) -> int:
        return int(self.info()["num_active_channels"])

    def new_address(self) -> str:
        return str(self.cli("newaddress", "p2wkh")["address"])

    def confirmed_sats(self) -> int:
        return int(self.cli("walletbalance")["confirmed_balance"])

    def payments(self) -> Iterator[Payment]:
        """List every payment in any state, all pages, oldest first, as lncli shows them."""
        index = "0"
        while True:
            page = self.cli(
                *("listpayments", "--include_incomplete", "--paginate_forwards"),
                *(f"--index_offset={index}", f"--max_payments={PAGE}"),
            )
            yield from page["payments"]
            if not page["payments"]:
                return
            index = page["last_index_offset"]

    def bake(self, name: str, permissions: Sequence[str]) -> Path:
        """Store a macaroon with these permissions (`uri:/service/Method`) and return its file."""
        file = self.folder / f"{name}.macaroon"
        call([*self._client(), "bakemacaroon", f"--save_to={file}", *permissions])
        return file

    def address(self, macaroons: dict[str, Path]) -> NodeAddress:
        """Return what the product needs to reach this node."""
        return NodeAddress(self.name, self.grpc_host, self.pubkey(), self.certificate, macaroons)

    def _client(self) -> list[str]:
        return [
            *(str(self._programs.lncli), f"--lnddir={self.folder}", f"--network={NETWORK}"),
            f"--rpcserver={self.grpc_host}",
        ]

    def _has_rpc(self) -> bool:
        """Return whether it has started; until the first block its wallet does not become active."""
        try:
            return self.cli("state")["state"] in {"RPC_ACTIVE", "SERVER_ACTIVE"}
        except CallFailed:
            return False
