"""The real Lightning rail, with the steps of the crash tests; it writes down what each send was answered."""

import json
import os
from pathlib import Path
from typing import Any

from lightning.client import LndClient
from tests.crash.rails import SteppedRail
from transfers.types import Order

SENDS_FILE = "ENGINE_JOURNEY_SENDS"


class RecordingRail(SteppedRail):
    """Append one line per send to the file that the environment names.

    A worker that lost its claim stores no answer, so that only this file shows it.
    """

    def __init__(self, client: LndClient | None = None) -> None:
        super().__init__(client)
        self._file = Path(os.environ[SENDS_FILE])

    def send(self, order: Order, **kwargs: Any) -> Any:
        outcome = super().send(order, **kwargs)
        text = getattr(outcome, "evidence", {}).get("text", "")
        line = {"reference": order.reference, "outcome": type(outcome).__name__, "text": text}
        with self._file.open("a") as file:
            file.write(json.dumps(line) + "\n")
        return outcome
