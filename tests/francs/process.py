"""Run the franc partner as a child process, which ends with us even if we are killed."""

from __future__ import annotations

from pathlib import Path

from sandbox.simulator.process import PartnerProcess
from tests.francs.control import FrancControl
from tests.support.process import tied_to_us


class FrancProcess(PartnerProcess):
    """A partner in a folder; as a context manager it runs inside the block."""

    def __init__(self, folder: Path) -> None:
        super().__init__("tests.francs", folder, tied=tied_to_us)

    @property
    def control(self) -> FrancControl:
        return FrancControl(self.url)
