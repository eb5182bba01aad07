"""Build lnd, lncli, btcd and btcctl with Go, from the versions that go.mod and go.sum of this folder pin."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILT = HERE.parents[2] / ".venv" / "lnd"
# A folder with other builds of the four programs, such as another version of LND.
VARIABLE = "LND_TEST_PROGRAMS"
NAMES = ("lnd", "lncli", "btcd", "btcctl")
# The gRPC services that LND's releases include and that the product, the suite and lncli use.
TAGS = "invoicesrpc routerrpc signrpc walletrpc chainrpc"
STAMP = "built-from"


class ProgramsMissing(Exception):
    """The programs are not built, or cannot be; the message says what to do."""


@dataclass(frozen=True)
class Programs:
    lnd: Path
    lncli: Path
    btcd: Path
    btcctl: Path


def find_programs(environment: Mapping[str, str] = os.environ) -> Programs:
    """Return the four programs. Raises: ProgramsMissing."""
    folder = Path(environment.get(VARIABLE) or BUILT)
    missing = [name for name in NAMES if not (folder / name).exists()]
    if missing:
        raise ProgramsMissing(f"no {', '.join(missing)} in {folder}: run `make test-lnd`, or set {VARIABLE}")
    return Programs(*(folder / name for name in NAMES))


def build() -> None:
    """Build the programs unless they are built from the same versions. Raises: ProgramsMissing."""
    go = shutil.which("go")
    if go is None:
        raise ProgramsMissing("Go is not installed: LND is built with Go 1.24 or later")
    source = _digest(go)
    stamp = BUILT / STAMP
    if stamp.exists() and stamp.read_text() == source and all((BUILT / name).exists() for name in NAMES):
        return
    BUILT.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    command = [go, "build", "-tags", TAGS, "-ldflags", "-s -w", "-o", f"{BUILT}{os.sep}", "tool"]
    done = subprocess.run(command, cwd=HERE, check=False, capture_output=True, text=True)
    if done.returncode:
        raise ProgramsMissing(f"`go build` failed:\n{done.stderr[-2000:]}")
    stamp.write_text(source)


def _digest(go: str) -> str:
    """Return a hash of what the programs are built from: the pinned versions, and Go itself."""
    version = subprocess.run([go, "version"], check=True, capture_output=True).stdout
    pinned = (HERE / "go.mod").read_bytes() + (HERE / "go.sum").read_bytes()
    return hashlib.sha256(pinned + version + TAGS.encode()).hexdigest()
