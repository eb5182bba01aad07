"""A btcd on a private regtest chain."""

from __future__ import annotations

from pathlib import Path

from sandbox.ports import free_ports
from tests.live_lnd.regtest.programs import Programs
from tests.live_lnd.regtest.servers import CallFailed, Server, call_for_json

USER, PASSWORD = "regtest", "regtest"
# Blocks before the first payment are paid to this address, whose key nobody has.
NOBODYS_ADDRESS = "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202"


class Chain:
    """Mines a block on request; the reward of new blocks goes to the address of `begin_again`."""

    def __init__(self, folder: Path, programs: Programs) -> None:
        self.folder, self._programs = folder, programs
        folder.mkdir()
        self.rpc_host, self._p2p_host = (f"127.0.0.1:{port}" for port in free_ports(2))
        self.certificate = folder / "rpc.cert"
        self._server = self._with_rewards_to(NOBODYS_ADDRESS)

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def begin_again(self, *, rewards_to: str) -> None:
        """Start at the first block again, with another address: btcd takes it as an option only."""
        self._server.stop()
        self._server = self._with_rewards_to(rewards_to)
        self._server.start()

    def mine(self, blocks: int) -> None:
        call_for_json([*self._client(), "generate", str(blocks)])

    def height(self) -> int:
        return int(call_for_json([*self._client(), "getblockcount"]))

    def _with_rewards_to(self, address: str) -> Server:
        return Server(
            [
                *(str(self._programs.btcd), "--regtest", "--txindex", "--nodnsseed"),
                *(f"--configfile={self.folder}/btcd.conf", f"--datadir={self.folder}/data"),
                *(f"--logdir={self.folder}/logs", f"--listen={self._p2p_host}"),
                *(f"--rpclisten={self.rpc_host}", f"--rpcuser={USER}", f"--rpcpass={PASSWORD}"),
                *(f"--rpccert={self.certificate}", f"--rpckey={self.folder}/rpc.key"),
                f"--miningaddr={address}",
            ],
            log=self.folder / "btcd.log",
            ready=self._answers,
        )

    def _answers(self) -> bool:
        try:
            return self.height() >= 0
        except CallFailed:
            return False

    def _client(self) -> list[str]:
        return [
            *(str(self._programs.btcctl), "--regtest", f"--configfile={self.folder}/btcctl.conf"),
            *(f"--rpcserver={self.rpc_host}", f"--rpcuser={USER}", f"--rpcpass={PASSWORD}"),
            f"--rpccert={self.certificate}",
        ]
