"""Reading Lightning Addresses and LNURLs: the examples of LUD-01, LUD-16 and LUD-17, and malformed ones."""

from __future__ import annotations

from string import ascii_lowercase, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from lightning.bolt11.bech32 import digits_of_bytes, join
from lightning.errors import LightningAddressUnreadable, LnurlUnreadable
from lightning.lnurl.addresses import PayAddress, read_lightning_address, read_lnurl
from sunusav.core.errors import Invalid
from sunusav.core.web_addresses import AddressForbidden, OnionAddressUnsupported

# LUD-01 at lnurl/luds 35b600794.
LUD_01_URL = "https://service.com/api?q=3fc3645b439ce8e7f2553a69e5267081d96dcd340693afabe04be7b0ccd178df"
LUD_01 = (
    "LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3HXQURZEPEXEJXXEPNXSC"
    "RVWFNV9NXZCN9XQ6XYEFHVGCXXCMYXYMNSERXFQ5FNS"
)


def lnurl(url: str) -> str:
    """Return a URL as an LNURL of LUD-01."""
    return join("lnurl", digits_of_bytes(url.encode()))


@pytest.mark.parametrize(
    "text", [LUD_01, LUD_01.lower(), f"lightning:{LUD_01}", f"LIGHTNING:{LUD_01}", f"  {LUD_01}\n"]
)
def test_read_lnurl_of_lud_01_in_either_case_returns_its_url(text: str) -> None:
    assert read_lnurl(text) == PayAddress(LUD_01_URL, LUD_01_URL, "service.com")


def test_lnurl_helper_writes_the_example_of_lud_01() -> None:
    assert lnurl(LUD_01_URL) == LUD_01.lower()


def test_read_lightning_address_of_lud_16_returns_its_url() -> None:
    url = "https://bitcoin.org/.well-known/lnurlp/satoshi"
    for text in ("satoshi@bitcoin.org", "Satoshi@Bitcoin.org", " lightning:satoshi@bitcoin.org "):
        assert read_lightning_address(text) == PayAddress(
            "satoshi@bitcoin.org", url, "bitcoin.org", "satoshi"
        )


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("lnurlp://domain.com/path", "https://domain.com/path"),
        ("LNURLP://Domain.com/Path?Id=1", "https://domain.com/Path?Id=1"),
        ("lightning:lnurlp://domain.com/path#x", "https://domain.com/path"),
        ("lnurlp://domain.com", "https://domain.com/"),
    ],
)
def test_read_lnurlp_of_lud_17_returns_an_https_url(text: str, url: str) -> None:
    assert read_lnurl(text).text == url


@pytest.mark.parametrize("name", ["a", "awa.ndiaye", "awa_ndiaye-2", "awa+tontine", "_", "0", "a" * 64])
def test_read_lightning_address_accepts_the_letters_of_lud_16(name: str) -> None:
    read = read_lightning_address(f"{name}@wallet.example")

    assert (read.text, read.url) == (
        f"{name}@wallet.example",
        f"https://wallet.example/.well-known/lnurlp/{name}",
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not-name-at-domain"), ("awa", "not-name-at-domain"), ("awa@", "not-name-at-domain"),
        ("awa@wallet@example", "not-name-at-domain"), ("awa@wallet.example/x", "not-name-at-domain"),
        ("awa@wallet.example?x", "not-name-at-domain"), ("awa@wallet.example#x", "not-name-at-domain"),
        ("@wallet.example", "name-not-allowed"), ("awa ndiaye@wallet.example", "name-not-allowed"),
        ("awa/../x@wallet.example", "name-not-allowed"), ("..@wallet.example", "name-not-allowed"),
        ("awà@wallet.example", "name-not-allowed"), ("awa%2e@wallet.example", "name-not-allowed"),
        ("+x@wallet.example", "name-not-allowed"), ("awa+@wallet.example", "name-not-allowed"),
        ("a" * 65 + "@wallet.example", "name-not-allowed"), ("awa:x@wallet.example", "name-not-allowed"),
    ],
)  # fmt: skip
def test_read_lightning_address_invalid_is_refused(text: str, reason: str) -> None:
    with pytest.raises(LightningAddressUnreadable) as refused:
        read_lightning_address(text)
    assert refused.value.facts == {"reason": reason}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not-an-lnurl"), ("lnbc1", "not-an-lnurl"), ("https://wallet.example/x", "not-an-lnurl"),
        ("awa@wallet.example", "not-an-lnurl"), (LUD_01[:-1] + LUD_01[-1].lower(), "mixed-case"),
        (LUD_01[:-1] + "Q", "checksum-wrong"), ("lnurl1" + "b" * 10, "character-not-allowed"),
        ("lnurl1qqq", "too-short"), (lnurl("x" * 4_000), "too-long"),
        (f"lnurl1é{LUD_01[7:].lower()}", "character-not-allowed"),
        (join("lnurl1x", digits_of_bytes(b"https://wallet.example/")), "not-an-lnurl"),
        (join("lnurl", digits_of_bytes(b"\xff\xfe")), "character-not-allowed"),
        (join("lnurl", digits_of_bytes(b"https://wallet.example/") + "0"), "padding-not-zero"),
        ("lnurlw://wallet.example/x", "not-for-paying"), ("keyauth://wallet.example/x", "not-for-paying"),
        ("lnurlc://wallet.example/x", "not-for-paying"),
        (lnurl("https://wallet.example/x?tag=login&k1=0"), "not-for-paying"),
        ("lnurlp://wallet.example/x?tag=withdrawRequest", "not-for-paying"),
    ],
)  # fmt: skip
def test_read_lnurl_invalid_or_not_for_payments_is_refused(text: str, reason: str) -> None:
    with pytest.raises(LnurlUnreadable) as refused:
        read_lnurl(text)
    assert refused.value.facts == {"reason": reason}


@pytest.mark.parametrize(
    "authority",
    [
        "127.0.0.1", "localhost", "10.0.0.1", "[::1]", "mysql", "wallet.local", "wallet.example:8080", "2130706433",
        "x@wallet.example", "127.0.0.1:8010",
    ],
)  # fmt: skip
def test_read_forbidden_address_is_refused_in_every_form(authority: str) -> None:
    for text in (f"lnurlp://{authority}/x", lnurl(f"https://{authority}/x"), lnurl(f"http://{authority}/x")):
        with pytest.raises(AddressForbidden):
            read_lnurl(text)
    if "@" not in authority:
        with pytest.raises(AddressForbidden):
            read_lightning_address(f"awa@{authority}")


def test_read_lnurl_with_plain_http_is_refused() -> None:
    with pytest.raises(AddressForbidden) as refused:
        read_lnurl(lnurl("http://wallet.example/x"))
    assert refused.value.facts == {"host": "wallet.example", "reason": "not-https"}


def test_read_onion_address_has_its_own_refusal() -> None:
    for text in ("lnurlp://examplennnnnnnn.onion/path", lnurl("http://examplennnnnnnn.onion/path")):
        with pytest.raises(OnionAddressUnsupported):
            read_lnurl(text)
    with pytest.raises(OnionAddressUnsupported):
        read_lightning_address("awa@examplennnnnnnn.onion")


def test_read_non_ascii_domain_returns_it_in_ascii() -> None:
    read = read_lightning_address("awa@sunusàv.sn")
    assert (read.text, read.host) == ("awa@xn--sunusv-mta.sn", "xn--sunusv-mta.sn")


def test_read_allowed_loopback_host_returns_an_http_url(settings: Settings) -> None:
    settings.ALLOWED_LOOPBACK_HOSTS = ["127.0.0.1:8010"]
    read = read_lightning_address("awa@127.0.0.1:8010")
    assert (read.text, read.url) == ("awa@127.0.0.1:8010", "http://127.0.0.1:8010/.well-known/lnurlp/awa")


# arbitrary input


def _is_public_https(address: PayAddress) -> bool:
    return address.url.startswith("https://") and address.host.rpartition(".")[2][0].isalpha()


@given(st.text(max_size=80))
def test_read_any_text_is_read_or_refused_by_name(text: str) -> None:
    for read in (read_lightning_address, read_lnurl):
        try:
            address = read(text)
        except Invalid:
            continue
        assert _is_public_https(address)


@given(st.text(max_size=20), st.text(max_size=60))
def test_read_any_name_and_domain_is_read_or_refused_by_name(name: str, domain: str) -> None:
    try:
        address = read_lightning_address(f"{name}@{domain}")
    except Invalid:
        return
    assert _is_public_https(address)
    assert read_lightning_address(address.text) == address


@given(st.binary(max_size=300))
def test_read_any_bytes_in_bech32_is_read_or_refused_by_name(raw: bytes) -> None:
    try:
        address = read_lnurl(join("lnurl", digits_of_bytes(raw)))
    except Invalid:
        return
    assert _is_public_https(address)


LABEL = st.text(ascii_lowercase + digits, min_size=1, max_size=20)


@given(
    st.text(ascii_lowercase + digits + "-_", min_size=1, max_size=64), st.lists(LABEL, min_size=1, max_size=4)
)
def test_read_ordinary_address_is_read(name: str, labels: list[str]) -> None:
    domain = ".".join([*labels, "example"])
    assert read_lightning_address(f"{name}@{domain}").url == f"https://{domain}/.well-known/lnurlp/{name}"
