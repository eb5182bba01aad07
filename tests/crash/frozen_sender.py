"""Freezes directly before it sends, as a worker may: `python -m tests.crash.frozen_sender PORT [guarded]`.

It stands for a rail whose provider refuses nothing that comes late.
"""

import signal
import socket
import sys
import threading
from contextlib import nullcontext

from sunusav.core.watchdog import ends_if_stopped

LIMIT_SECONDS = 10
SENT = b"pay"


def main(port: str, *options: str) -> None:
    guard = ends_if_stopped(seconds=LIMIT_SECONDS) if "guarded" in options else nullcontext()
    with socket.create_connection(("127.0.0.1", int(port))) as provider, guard:
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
        provider.sendall(SENT)


if __name__ == "__main__":
    main(*sys.argv[1:])
