"""`python -m sandbox run|once|reset`, for `make run`, `make demo` and `make demo-reset`."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from sandbox.launch import CannotStart, Plan, launch

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".run"
FLOWER_PORT = 5555


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m sandbox")
    arguments.add_argument("what", choices=["run", "once", "reset"])
    what = arguments.parse_args().what
    try:
        return {"run": run, "once": once, "reset": reset}[what]()
    except CannotStart as reason:
        print(f"cannot start: {reason}", file=sys.stderr)
        return 1


def run() -> int:
    """Serve on the configured ports with the stored data, until Ctrl-C."""
    return launch(Plan.persistent(STATE, flower_port=FLOWER_PORT))


def once() -> int:
    """Run the scenario on free ports with new data, then exit."""
    with tempfile.TemporaryDirectory(prefix="sunusav-demo-") as folder:
        return launch(Plan.temporary(Path(folder)))


def reset() -> int:
    """Delete the stored data."""
    if (STATE / "running").exists() and Plan.persistent(STATE, flower_port=FLOWER_PORT).is_running():
        raise CannotStart("the demo is running; stop it first (Ctrl-C in its window)")
    shutil.rmtree(STATE, ignore_errors=True)
    print("the demo's data is deleted; `make run` starts with new data")
    return 0


if __name__ == "__main__":
    sys.exit(main())
