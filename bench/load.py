"""A load generator as a separate process: HTTP/1.1 over keep-alive connections, one request at a time on each.

`python -m bench.load PORT SECONDS CONNECTIONS` with the request on standard input; it prints one JSON object. It parses
only the length of an answer, to stay cheaper than any server; `busy` is the share of the time that it used the CPU.
"""

import json
import re
import selectors
import socket
import sys
import time
from statistics import median

WARM_UP_SECONDS = 0.3
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
OK = re.compile(rb"HTTP/1\.1 200 ")


class BadAnswer(Exception):
    """The server closed the connection or answered other than 200."""


class Connection:
    """One client, which sends its request again as soon as the answer has arrived."""

    def __init__(self, port: int, request: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request
        self._received = b""
        self._sent_at = 0.0

    def send(self) -> None:
        self._sent_at = time.perf_counter()
        self.socket.sendall(self._request)

    def receive(self) -> float | None:
        """Read what has arrived; return the seconds the answer took once it is complete."""
        answer = self.socket.recv(65_536)
        if not answer:
            raise BadAnswer("the server closed the connection")
        self._received += answer
        if not _is_complete(self._received):
            return None
        if not OK.match(self._received):
            raise BadAnswer(self._received.decode(errors="replace"))
        self._received = b""
        return time.perf_counter() - self._sent_at


def _is_complete(answer: bytes) -> bool:
    head_end = answer.find(b"\r\n\r\n")
    if head_end < 0:
        return False
    length = CONTENT_LENGTH.search(answer, 0, head_end + 2)
    if length is None:
        raise BadAnswer(f"an answer without a length: {answer!r}")
    return len(answer) >= head_end + 4 + int(length[1])


def drive(clients: list[Connection], seconds: float) -> list[float]:
    """Send requests with every client for some seconds; return the seconds each answer took."""
    took: list[float] = []
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
            client.send()
        ends = time.perf_counter() + seconds
        while time.perf_counter() < ends:
            for key, _ in selector.select(timeout=1):
                if (answered := key.data.receive()) is not None:
                    took.append(answered)
                    key.data.send()
        _drain(selector, len(clients))
    return took


def _drain(selector: selectors.BaseSelector, waiting: int) -> None:
    """Read the last answers, which are not counted, so that no connection is left with half an answer."""
    while waiting:
        for key, _ in selector.select(timeout=5):
            waiting -= key.data.receive() is not None


def main(port: int, seconds: float, connections: int) -> None:
    request = sys.stdin.buffer.read()
    clients = [Connection(port, request) for _ in range(connections)]
    warm_up = drive(clients, WARM_UP_SECONDS)
    cpu, elapsed = time.process_time(), time.perf_counter()
    took = sorted(drive(clients, seconds))
    cpu, elapsed = time.process_time() - cpu, time.perf_counter() - elapsed
    report = {
        "answers": len(warm_up) + len(took),
        "rate": len(took) / elapsed,
        "p50_ms": 1_000 * median(took),
        "p99_ms": 1_000 * took[int(0.99 * len(took))],
        "busy": cpu / elapsed,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
