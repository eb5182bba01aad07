"""URLs from untrusted sources: they never reach this machine or its network.

Listeners on loopback count connections. The closed network of the tests refuses a connection to another machine and
names its address.
"""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from sunusav.core.http import HostUnavailable, UntrustedHostClient, checked_address, url_of
from sunusav.core.web_addresses import (
    AddressForbidden,
    OnionAddressUnsupported,
    is_public,
    read_web_address,
)
from tests.fakes.listener import Authority, Listener, http_answer
from tests.support.network import NetworkIsClosed

GOOD = http_answer(b'{"tag": "payRequest", "maxSendable": 1.5}')
PUBLIC = "93.184.215.14"

# {port} is where the listeners are, and the one port that is allowed.
HOSTILE_URLS = [
    # this machine and its network, in every notation of numbers
    "https://127.0.0.1:{port}/", "https://127.0.0.1/", "https://127.0.0.2:{port}/", "https://127.1:{port}/",
    "https://0:{port}/", "https://0.0.0.0:{port}/", "https://2130706433:{port}/", "https://0x7f000001:{port}/",
    "https://0x7f.0.0.1:{port}/", "https://0177.0.0.1:{port}/", "https://017700000001:{port}/",
    "https://127.0.0.1.:{port}/", "https://[::1]:{port}/", "https://[::]:{port}/", "https://[::ffff:127.0.0.1]:{port}/",
    "https://[::ffff:7f00:1]:{port}/", "https://[0:0:0:0:0:0:0:1]:{port}/", "https://[fe80::1%25lo]:{port}/",
    "https://10.0.0.1/", "https://192.168.1.1/", "https://172.16.0.1/", "https://169.254.169.254/latest/meta-data/",
    "https://93.184.215.14/", "https://１２７.０.０.１:{port}/", "https://①②⑦.⓪.⓪.①:{port}/",
    # names that mean this machine or network
    "https://localhost:{port}/", "https://LOCALHOST:{port}/", "https://localhost.:{port}/", "https://mysql:{port}/",
    "https://wallet.localhost:{port}/", "https://printer.local/", "https://metadata.google.internal/",
    "https://router.lan/", "https://node.home.arpa/", "https://ｌocalhost:{port}/",
    # two readings
    "https://wallet.example@127.0.0.1:{port}/", "https://127.0.0.1:{port}@wallet.example/",
    "https://user:secret@wallet.example/", "https://wallet.example\\@127.0.0.1:{port}/",
    "https://127.0.0.1\\.wallet.example/", "https://wallet.example%2f@127.0.0.1/", "https://127.0.0.1%00.example/",
    "https://wallet.example /", "https://wallet.example\t/", "https://wal\nlet.example/", "https://wallet.example/\r\nX",
    "https://wallet.example/a b", "https:///127.0.0.1:{port}/", "https:127.0.0.1:{port}/", "https://", "https://:{port}/",
    "//127.0.0.1:{port}/", " https://127.0.0.1:{port}/", "https://wallet_.example/", "https://-wallet.example/",
    "https://wallet..example/", "https://" + "a" * 64 + ".example/", "https://wallet.example/" + "a" * 2_000,
    # other protocols and ports
    "http://wallet.example/", "http://127.0.0.1:{port}/", "ftp://wallet.example/", "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_x", "data:application/json,{{}}", "https://wallet.example:22/", "https://wallet.example:/",
    "https://wallet.example:0443/", "https://wallet.example:6379/", "https://wallet.example:{port}x/",
]  # fmt: skip

HOSTILE_ANSWERS = [
    ["127.0.0.1"], ["127.0.0.2"], ["127.255.255.254"], ["0.0.0.0"], ["0.1.2.3"], ["169.254.169.254"], ["::1"], ["::"],
    ["::ffff:127.0.0.1"], ["::ffff:10.0.0.1"], ["::ffff:169.254.169.254"], ["::127.0.0.1"], ["64:ff9b::7f00:1"],
    ["64:ff9b::a9fe:a9fe"], ["64:ff9b:1::a00:1"], ["2002:7f00:1::1"], ["2002:a00:1::"], ["2001:0:7f00:1::1"],
    ["2001:db8::1"], ["fe80::1"], ["fe80::1%lo"], ["fec0::1"], ["fc00::1"], ["fd00:ec2::254"], ["ff02::1"],
    ["10.0.0.1"], ["172.16.0.1"], ["172.31.255.255"], ["192.168.0.1"], ["100.64.0.1"], ["100.100.100.200"],
    ["168.63.129.16"], ["192.0.0.192"], ["192.0.2.1"], ["198.18.0.1"], ["198.51.100.1"], ["203.0.113.1"],
    ["224.0.0.1"], ["239.255.255.255"], ["240.0.0.1"], ["255.255.255.255"], ["localhost"], [""],
    [PUBLIC, "127.0.0.1"], ["10.0.0.1", PUBLIC], [PUBLIC, "::1"], [PUBLIC, PUBLIC, "0.0.0.0"],
]  # fmt: skip


@pytest.fixture
def listeners() -> Iterator[list[Listener]]:
    """Listen on one port of several of this machine's addresses."""
    with ExitStack() as stack:
        first = stack.enter_context(Listener(GOOD))
        others = [Listener(GOOD, host=host, port=first.port) for host in ("127.0.0.2", "::1")]
        yield [first, *(stack.enter_context(other) for other in others)]


class FakeNames:
    """Resolves every name to the answers given, one after the other."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers, self.asked = list(answers), 0

    def __call__(self, host: str) -> Sequence[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


def test_sixty_hostile_addresses_connect_to_nobody(listeners: list[Listener]) -> None:
    names = FakeNames(["127.0.0.1"])
    client = UntrustedHostClient(resolver=names, https_port=listeners[0].port)

    for url in HOSTILE_URLS:
        with pytest.raises((AddressForbidden, OnionAddressUnsupported)):
            client.get_json(url.format(port=listeners[0].port))

    assert len(HOSTILE_URLS) >= 60
    assert names.asked == 0
    assert [listener.accepted for listener in listeners] == [0, 0, 0]


def test_names_that_resolve_to_closed_networks_connect_to_nobody(listeners: list[Listener]) -> None:
    for answer in HOSTILE_ANSWERS:
        client = UntrustedHostClient(resolver=FakeNames(answer), https_port=listeners[0].port)
        with pytest.raises(AddressForbidden) as refused:
            client.get_json("https://wallet.example/")
        assert refused.value.facts == {"host": "wallet.example", "reason": "not-public"}

    assert [listener.accepted for listener in listeners] == [0, 0, 0]


def test_listeners_count_who_connects(listeners: list[Listener], settings: Settings) -> None:
    port = listeners[0].port
    settings.ALLOWED_LOOPBACK_HOSTS = [f"127.0.0.1:{port}"]

    assert UntrustedHostClient().get_json(f"http://127.0.0.1:{port}/")["tag"] == "payRequest"

    assert [listener.accepted for listener in listeners] == [1, 0, 0]


def test_name_is_resolved_once_and_the_connection_goes_to_that_very_address(
    listeners: list[Listener],
) -> None:
    names = FakeNames([PUBLIC], ["127.0.0.1"])

    with pytest.raises(NetworkIsClosed, match=PUBLIC):
        UntrustedHostClient(resolver=names).get_json("https://wallet.example/")

    assert names.asked == 1
    assert [listener.accepted for listener in listeners] == [0, 0, 0]


def test_get_json_uses_no_proxy_of_the_environment(
    listeners: list[Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{listeners[0].port}")

    with pytest.raises(NetworkIsClosed):
        UntrustedHostClient(resolver=FakeNames([PUBLIC])).get_json("https://wallet.example/")

    assert [listener.accepted for listener in listeners] == [0, 0, 0]


@pytest.mark.parametrize(
    "address", [PUBLIC, "1.1.1.1", "2606:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"]
)
def test_public_address_is_public(address: str) -> None:
    assert is_public(address)


def test_loopback_name_of_the_settings_must_be_on_this_machine(settings: Settings) -> None:
    settings.ALLOWED_LOOPBACK_HOSTS = ["wallet.test:8010"]
    client = UntrustedHostClient(resolver=FakeNames(["10.0.0.1"]))

    with pytest.raises(AddressForbidden) as refused:
        client.get_json("http://wallet.test:8010/")

    assert refused.value.facts == {"host": "wallet.test", "reason": "not-public"}


@pytest.mark.parametrize(
    ("url", "host", "target"),
    [
        ("https://wallet.example", "wallet.example", "/"),
        ("HTTPS://Wallet.Example:443/A?b=c#d", "wallet.example", "/A?b=c"),
        ("https://wallet.example?q=1", "wallet.example", "/?q=1"),
        ("https://sunusàv.sn/x", "xn--sunusv-mta.sn", "/x"),
        ("https://xn--sunusv-mta.sn/x", "xn--sunusv-mta.sn", "/x"),
    ],
)
def test_address_is_read_in_one_way(url: str, host: str, target: str) -> None:
    read = read_web_address(url)

    assert (read.scheme, read.host, read.port, read.target) == ("https", host, 443, target)
    assert read.authority == host


def test_onion_is_refused_by_its_own_name() -> None:
    for url in ("http://abcdefghijklmnop.onion/x", "https://abcdefghijklmnop.onion/x"):
        with pytest.raises(OnionAddressUnsupported) as refused:
            checked_address(url)
        assert refused.value.facts == {"host": "abcdefghijklmnop.onion"}


def test_url_of_a_host_is_https_but_for_loopback_hosts_of_the_settings(settings: Settings) -> None:
    settings.ALLOWED_LOOPBACK_HOSTS = ["127.0.0.1:8010"]

    assert url_of("wallet.example", "/x") == "https://wallet.example/x"
    assert url_of("127.0.0.1:8010", "/x") == "http://127.0.0.1:8010/x"
    assert url_of("127.0.0.1:8011", "/x") == "https://127.0.0.1:8011/x"


# answers


@pytest.fixture
def service(settings: Settings) -> Iterator[Listener]:
    """An allowed service whose answer a test sets."""
    with Listener(GOOD) as listener:
        settings.ALLOWED_LOOPBACK_HOSTS = [f"127.0.0.1:{listener.port}"]
        yield listener


def asked(service: Listener, **limits: Any) -> dict[str, Any]:
    return UntrustedHostClient(**limits).get_json(f"http://127.0.0.1:{service.port}/x?y=1")


def refusal(service: Listener, **limits: Any) -> str:
    with pytest.raises(HostUnavailable) as refused:
        asked(service, **limits)
    assert refused.value.facts["address"] == "127.0.0.1"
    return str(refused.value.facts["detail"])


def test_get_json_sends_minimal_request_and_reads_numbers_without_floats(service: Listener) -> None:
    assert asked(service) == {"tag": "payRequest", "maxSendable": "1.5"}

    lines = [
        "GET /x?y=1 HTTP/1.1", f"Host: 127.0.0.1:{service.port}", "Accept: application/json",
        "Accept-Encoding: identity", "User-Agent: SunuSav", "Connection: close", "", "",
    ]  # fmt: skip
    assert service.requests == ["\r\n".join(lines)]


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oh", "400 Bad Request", "201 Created"])
def test_get_json_ignores_the_status(service: Listener, status: str) -> None:
    service.reply = http_answer(b'{"status": "ERROR"}', status=status)

    assert asked(service) == {"status": "ERROR"}


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
def test_redirect_is_not_followed(service: Listener, status: str) -> None:
    with Listener(GOOD) as other:
        location = f"Location: http://127.0.0.1:{other.port}/"
        service.reply = http_answer(b"{}", status=status, headers=(location,))

        assert refusal(service) == f"redirect {status[:3]}"
        assert other.accepted == 0


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        (http_answer(b"<html></html>"), "not JSON"),
        (http_answer(b""), "not JSON"),
        (http_answer(b'{"a": NaN}'), "not JSON"),
        (http_answer(b"\xff\xfe"), "not JSON"),
        (http_answer(b"[" * 200_000), "not JSON"),
        (http_answer(b"9" * 10_000), "not JSON"),
        (http_answer(b"[]"), "not a JSON object"),
        (http_answer(b'"text"'), "not a JSON object"),
        (http_answer(b'{"a": "' + b"x" * 300_000 + b'"}'), "compressed or too long"),
        (http_answer(gzip.compress(b"{}", mtime=0), headers=("Content-Encoding: gzip",)), "compressed or too long"),
        (http_answer(gzip.compress(bytes(10**7)), headers=("Content-Encoding: gzip",)), "compressed or too long"),
        (CHUNKED + b"5\r\n{}   \r\nzz\r\n", "ProtocolError"),
        (b"SSH-2.0-OpenSSH_9\r\n", "BadStatusLine"),
        (b"", "RemoteDisconnected"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n{}", "LineTooLong"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n{}", "HTTPException"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 40_000, "RemoteDisconnected"),
    ],
)  # fmt: skip
def test_get_json_refuses_anything_but_a_bounded_json_object(
    service: Listener, reply: bytes, detail: str
) -> None:
    service.reply = reply

    assert refusal(service) == detail


def _endless(begin: bytes, piece: bytes) -> Callable[[socket.socket], None]:
    def send(caller: socket.socket) -> None:
        caller.sendall(begin)
        while True:
            caller.sendall(piece)

    return send


def test_get_json_of_endless_answer_is_refused(service: Listener) -> None:
    service.reply = _endless(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 10_000)
    assert refusal(service) == "compressed or too long"

    service.reply = _endless(CHUNKED, b"1\r\n \r\n" * 1_000)
    assert refusal(service) == "compressed or too long"


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_get_json_of_slow_bytes_ends_at_the_deadline(service: Listener, begin: bytes) -> None:
    """Every byte arrives before the timeout of the socket; only the deadline of the whole request ends it."""

    def drip(caller: socket.socket) -> None:
        caller.sendall(begin)
        gone = threading.Event()
        while True:
            caller.sendall(b"x")
            gone.wait(0.05)

    service.reply = drip

    assert refusal(service, deadline_seconds=0.5) == "TimeoutError"


def test_get_json_at_the_deadline_refuses_a_partial_answer(service: Listener) -> None:
    def begin_and_wait(caller: socket.socket) -> None:
        caller.sendall(b"HTTP/1.1 200 OK\r\n\r\n{}")
        threading.Event().wait(1)

    service.reply = begin_and_wait

    assert refusal(service, deadline_seconds=0.5) == "TimeoutError"


def test_get_json_with_silent_resolver_ends_at_the_deadline() -> None:
    answered = threading.Event()

    def resolve(host: str) -> Sequence[str]:
        answered.wait()
        return ["127.0.0.1"]

    with pytest.raises(HostUnavailable) as refused:
        UntrustedHostClient(resolver=resolve, deadline_seconds=0.1).get_json("https://wallet.example/")
    answered.set()

    assert refused.value.facts == {"address": "wallet.example", "detail": "TimeoutError"}


def test_get_json_of_unknown_name_is_refused() -> None:
    def resolve(host: str) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    with pytest.raises(HostUnavailable) as refused:
        UntrustedHostClient(resolver=resolve).get_json("https://wallet.example/")

    assert refused.value.facts == {"address": "wallet.example", "detail": "gaierror"}


def test_get_json_tries_the_next_address_when_one_is_unreachable(
    service: Listener, settings: Settings
) -> None:
    settings.ALLOWED_LOOPBACK_HOSTS = [f"wallet.test:{service.port}"]
    client = UntrustedHostClient(resolver=FakeNames(["127.0.0.9", "127.0.0.1"]))

    assert client.get_json(f"http://wallet.test:{service.port}/")["tag"] == "payRequest"


def test_get_json_from_the_first_of_three_addresses_may_use_the_whole_deadline(
    service: Listener, settings: Settings
) -> None:
    def answer_late(caller: socket.socket) -> None:
        threading.Event().wait(1.2)
        caller.sendall(GOOD)

    service.reply = answer_late
    settings.ALLOWED_LOOPBACK_HOSTS = [f"wallet.test:{service.port}"]
    names = FakeNames(["127.0.0.1", "127.0.0.8", "127.0.0.9"])
    client = UntrustedHostClient(resolver=names, deadline_seconds=3)

    assert client.get_json(f"http://wallet.test:{service.port}/")["tag"] == "payRequest"


def test_host_is_not_asked_more_often_than_a_minute_allows(service: Listener) -> None:
    answers = [_asked_or_refused(service, requests_per_minute=2) for _ in range(5)]
    refused = answers.count("asked too often by us")

    # A new minute may begin once during the test.
    assert 1 <= refused <= 3
    assert service.accepted == 5 - refused


def _asked_or_refused(service: Listener, **limits: Any) -> str:
    try:
        return str(asked(service, **limits)["tag"])
    except HostUnavailable as refused:
        return str(refused.facts["detail"])


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(Path(tmp_path_factory.mktemp("authority")))


def _over_tls(authority: Authority, settings: Settings, *, shown: str, trust: bool = True) -> Listener:
    with Listener(GOOD, tls=authority.serving(shown)) as server:
        settings.ALLOWED_LOOPBACK_HOSTS = [f"wallet.test:{server.port}"]
        known = authority.trusting() if trust else None
        client = UntrustedHostClient(resolver=FakeNames(["127.0.0.1"]), trust=known)
        assert client.get_json(f"https://wallet.test:{server.port}/")["tag"] == "payRequest"
    return server


def test_pinned_connection_speaks_to_the_name(authority: Authority, settings: Settings) -> None:
    server = _over_tls(authority, settings, shown="wallet.test")

    assert server.names_asked == ["wallet.test"]
    assert f"Host: wallet.test:{server.port}\r\n" in server.requests[0]


def test_certificate_of_another_name_is_refused(authority: Authority, settings: Settings) -> None:
    with pytest.raises(HostUnavailable) as refused:
        _over_tls(authority, settings, shown="other.test")
    assert refused.value.facts["detail"] == "SSLCertVerificationError"


def test_certificate_of_an_unknown_authority_is_refused(authority: Authority, settings: Settings) -> None:
    with pytest.raises(HostUnavailable) as refused:
        _over_tls(authority, settings, shown="wallet.test", trust=False)
    assert refused.value.facts["detail"] == "SSLCertVerificationError"


def test_plain_answer_to_tls_is_refused(service: Listener, settings: Settings) -> None:
    settings.ALLOWED_LOOPBACK_HOSTS = [f"127.0.0.1:{service.port}"]
    with pytest.raises(HostUnavailable) as refused:
        UntrustedHostClient().get_json(f"https://127.0.0.1:{service.port}/")
    assert refused.value.facts["detail"] == "SSLError"
