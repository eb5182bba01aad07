"""`python -m sandbox run|once|reset`: what `make run`, `make demo` and `make demo-reset` call."""

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
    """Serve on the usual ports with the data of last time, until Ctrl-C."""
    return launch(Plan.usual(STATE, flower_port=FLOWER_PORT))


def once() -> int:
    """Do the main job on free ports and fresh data, then end."""
    with tempfile.TemporaryDirectory(prefix="sunusav-demo-") as folder:
        return launch(Plan.throw_away(Path(folder)))


def reset() -> int:
    """Forget the data of last time."""
    if (STATE / "running").exists() and Plan.usual(STATE, flower_port=FLOWER_PORT).is_running():
        raise CannotStart("the demo is running; stop it first (Ctrl-C in its window)")
    shutil.rmtree(STATE, ignore_errors=True)
    print("the demo's data is gone; `make run` starts anew")
    return 0


if __name__ == "__main__":
    sys.exit(main())
