"""The demo's simulated partners: their processes, and the environment in which ours call them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from sandbox.simulator.control import Control
from sandbox.simulator.process import PartnerProcess

NAMES = ("wave", "orange", "mtn")
FLOAT_XOF = 5_000_000


class Payer:
    """The phones of a partner: each pays what a checkout page asks for, unless it did so before."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def pay(self, checkout_url: str) -> None:
        self._control.call("pay_checkout", url=checkout_url)


class SimulatedPartners:
    """One process per partner. What each is called with is in the `access` module of its folder."""

    def __init__(self, folder: Path) -> None:
        self.processes = {name: PartnerProcess(f"sandbox.{name}", folder / name) for name in NAMES}

    def start(self, *, base_url: str) -> None:
        """Start every partner; a new one gets our account filled. `base_url` is where they send webhooks."""
        for name, process in self.processes.items():
            process.start()
            process.control.set(**_access(name).settings(base_url))
            if not process.control.call("balance"):
                process.control.call("top_up", amount=FLOAT_XOF)

    def stop(self) -> None:
        for process in self.processes.values():
            process.stop()

    def environment(self) -> dict[str, str]:
        """Return what every process of ours needs: it can collect, and cannot pay."""
        return {"PARTNERS": ",".join(NAMES), **self._merged("environment")}

    def paying_environment(self) -> dict[str, str]:
        """Return what the paying worker needs besides."""
        return self._merged("paying_environment")

    def payer(self, name: str) -> Payer:
        """Return what acts as the phones of a partner."""
        return Payer(self.processes[name].control)

    def _merged(self, function: str) -> dict[str, str]:
        merged: dict[str, str] = {}
        for name, process in self.processes.items():
            made: Mapping[str, str] = getattr(_access(name), function)(process.url)
            merged.update(made)
        return merged


def _access(name: str) -> object:
    return import_module(f"sandbox.{name}.access")
