"""The demo's simulated partners: their processes, and the environment in which ours call them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from urllib.parse import urlencode

from sandbox.members import MEMBERS
from sandbox.ports import is_free
from sandbox.simulator.process import PartnerProcess

NAMES = ("wave", "orange", "mtn")
# Where the phones of the demo's members are known.
MEMBERS_USE = "wave"
FLOAT_XOF = 5_000_000
TIMEOUT_SECONDS = 10.0


class Phones:
    """The phones of members, who pay in their browser."""

    def pay(self, checkout_url: str, phone: str) -> None:
        """Pay what a checkout page asks for; once it is paid, the page takes no more."""
        form = urlencode({"phone": phone}).encode()
        request = urllib.request.Request(checkout_url, data=form)
        with suppress(urllib.error.HTTPError), _without_redirects().open(request, timeout=TIMEOUT_SECONDS):
            pass


def _without_redirects() -> urllib.request.OpenerDirector:
    """Return an opener that does not follow the way back to us, where nothing may be served yet."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_arguments: object) -> None:
            return None

    return urllib.request.build_opener(Stay)


class SimulatedPartners:
    """One process per partner. What each is called with is in the `access` module of its folder."""

    def __init__(self, folder: Path) -> None:
        self.processes = {
            name: PartnerProcess(f"sandbox.{name}", folder / name, port=_port_before(folder / name))
            for name in NAMES
        }

    def start(self, *, base_url: str) -> None:
        """Start every partner; a new one gets our account filled. `base_url` is where they send webhooks."""
        for name, process in self.processes.items():
            process.start()
            process.control.set(**_access(name).settings(base_url))
            if name == MEMBERS_USE:
                for member in MEMBERS:
                    process.control.call("open_wallet", phone=member.phone, name=member.name)
            if not process.control.call("balance"):
                process.control.call("top_up", amount=FLOAT_XOF)

    def stop(self) -> None:
        for process in self.processes.values():
            process.stop()

    def pages(self) -> dict[str, str]:
        """Return the address of each partner's page of phones and balances."""
        return {name: process.url for name, process in self.processes.items()}

    def environment(self) -> dict[str, str]:
        """Return what every process of ours needs: it can collect, and cannot pay."""
        return {"PARTNERS": ",".join(NAMES), **self._merged("environment")}

    def paying_environment(self) -> dict[str, str]:
        """Return what the paying worker needs besides."""
        return self._merged("paying_environment")

    def _merged(self, function: str) -> dict[str, str]:
        merged: dict[str, str] = {}
        for name, process in self.processes.items():
            made: Mapping[str, str] = getattr(_access(name), function)(process.url)
            merged.update(made)
        return merged


def _port_before(folder: Path) -> int:
    """Return the port of an earlier run, where links of that run still lead; 0 for a free one."""
    ready = folder / "ready.json"
    port = int(json.loads(ready.read_text())["port"]) if ready.exists() else 0
    return port if port and is_free(port) else 0


def _access(name: str) -> ModuleType:
    return import_module(f"sandbox.{name}.access")
