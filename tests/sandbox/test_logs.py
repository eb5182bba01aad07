"""The demo's processes with every logger at DEBUG: no log contains an invoice, a phone, a name, a token or a proof."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.credentials import Credentials
from sandbox.members import MEMBERS

ROOT = Path(__file__).resolve().parent.parent.parent
RUN = "import sys, pathlib; from sandbox.launch import *; sys.exit(launch(Plan.temporary(pathlib.Path(sys.argv[1]))))"
PROCESSES = {"web", "worker-payouts", "worker-default", "beat", "listener", "flower"}
# An invoice of the simulated network, a member's phone and a member's name.
NAMES = "|".join(member.name for member in MEMBERS)
PRIVATE = re.compile(rf"lnbcrt[0-9a-z]{{50,}}|\+?22177000\d{{4}}|77000\d{{4}}|{NAMES}", re.IGNORECASE)


@pytest.mark.slow
def test_logs_of_the_demo_contain_nothing_private(tmp_path: Path) -> None:
    loud = {**os.environ, "LOG_LEVEL": "DEBUG", "DEBUG": "True", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path)],
        cwd=ROOT,
        env=loud,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    receipt = json.loads(re.search(r"^{.*?^}", done.stdout, re.DOTALL | re.MULTILINE)[0])  # type: ignore[index]
    secrets = {receipt["preimage"], *Credentials.load(tmp_path).tokens.values()}

    logs = {file.stem: file.read_text(errors="replace") for file in (tmp_path / "logs").glob("*.log")}

    assert set(logs) >= PROCESSES
    assert all("DEBUG" in logs[name] for name in ("web", "worker-payouts", "worker-default")), "all are loud"
    for name, text in logs.items():
        assert PRIVATE.findall(text) == [], name
        assert [secret for secret in secrets if secret in text] == [], name
