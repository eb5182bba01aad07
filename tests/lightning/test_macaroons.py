"""Reading macaroons, and judging each against its errand: what it may, what is missing, what is too much."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lightning.access_scopes import NEEDED, AccessScope, uris_of
from lightning.macaroons import Macaroon, MacaroonUnreadable, Permission, Verdict, read_macaroon, verdict_on
from lightning.proto.methods import METHODS
from sandbox.lnd.macaroons import BAKED, mint, serialized, with_caveat

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ROOT_KEY = b"k" * 32
INVOICING_ENTITIES = (("invoices", "read"), ("invoices", "write"), ("info", "read"))


def judged(errand: AccessScope, permissions: tuple[Permission, ...], *caveats: str) -> Verdict:
    macaroon = mint(ROOT_KEY, permissions)
    for caveat in caveats:
        macaroon = with_caveat(macaroon, caveat)
    return verdict_on(read_macaroon(serialized(macaroon)), errand, now=NOW)


def uris(errand: AccessScope) -> tuple[Permission, ...]:
    return tuple(("uri", method.path) for method in NEEDED[errand])


@pytest.mark.parametrize("errand", AccessScope)
def test_macaroon_of_exactly_the_needed_methods_is_fit(errand: AccessScope) -> None:
    verdict = judged(errand, uris(errand))
    assert verdict.is_fit
    assert verdict.may == tuple(method.name for method in NEEDED[errand])
    assert (verdict.missing, verdict.too_much, verdict.wider, verdict.conditions) == ((), (), (), ())


@pytest.mark.parametrize("errand", AccessScope)
def test_admin_macaroon_is_too_much_for_every_errand(errand: AccessScope) -> None:
    verdict = judged(errand, BAKED["admin"])
    assert not verdict.is_fit
    assert verdict.missing == ()
    told = " ".join(verdict.too_much)
    for right in ("offchain:write", "onchain:write", "macaroon:generate", "signer:write", "info:write"):
        assert right in told


@pytest.mark.parametrize(
    ("errand", "right", "words"),
    [
        (AccessScope.PAYING, ("offchain", "write"), "may delete payments"),
        (AccessScope.PAYING, ("onchain", "read"), "on-chain"),
        (AccessScope.PAYING, ("invoices", "write"), "may make, settle and cancel invoices"),
        (AccessScope.PAYING, ("uri", "/lnrpc.Lightning/DeletePayment"), "not of this errand"),
        (AccessScope.PAYING, ("uri", "/lnrpc.Lightning/DeleteAllPayments"), "none of our methods"),
        (AccessScope.INVOICING, ("uri", "/routerrpc.Router/SendPaymentV2"), "not of this errand"),
        (AccessScope.INVOICING, ("offchain", "write"), "may delete payments"),
        (AccessScope.INVOICING, ("address", "write"), "on-chain"),
        (AccessScope.READONLY, ("invoices", "write"), "may make, settle and cancel invoices"),
        (AccessScope.READONLY, ("uri", "/lnrpc.Lightning/AddInvoice"), "not of this errand"),
        (AccessScope.READONLY, ("info", "write"), "may stop the node"),
        (AccessScope.READONLY, ("peers", "read"), "peers"),
        (AccessScope.READONLY, ("invoices", "generate"), "make or revoke macaroons"),
        (AccessScope.READONLY, ("assets", "read"), "unknown to us"),
    ],
)
def test_dangerous_right_is_too_much(errand: AccessScope, right: Permission, words: str) -> None:
    verdict = judged(errand, (*uris(errand), right))
    assert [words in told for told in verdict.too_much] == [True]
    assert verdict.too_much[0].startswith(":".join(right))
    assert not verdict.is_fit


@pytest.mark.parametrize(
    ("errand", "right"),
    [
        (AccessScope.PAYING, ("offchain", "read")),
        (AccessScope.PAYING, ("uri", "/routerrpc.Router/EstimateRouteFee")),
        (AccessScope.INVOICING, ("invoices", "write")),
        (AccessScope.READONLY, ("uri", "/lnrpc.Lightning/ListPayments")),
    ],
)
def test_right_that_only_tells_more_is_named_and_accepted(errand: AccessScope, right: Permission) -> None:
    verdict = judged(errand, (*uris(errand), right))
    assert verdict.is_fit
    assert verdict.wider == (":".join(right),)


def test_entities_of_lnds_own_files_count_as_the_methods_they_open() -> None:
    verdict = judged(AccessScope.INVOICING, INVOICING_ENTITIES)
    assert (verdict.missing, verdict.too_much) == ((), ())


@pytest.mark.parametrize("errand", AccessScope)
def test_each_missing_method_is_named(errand: AccessScope) -> None:
    for method in NEEDED[errand]:
        others = tuple(right for right in uris(errand) if right != ("uri", method.path))
        verdict = judged(errand, others)
        assert verdict.missing == (method.name,)
        assert not verdict.is_fit


@pytest.mark.parametrize(
    ("caveat", "fit"),
    [
        ("time-before 2026-11-22T12:00:01Z", True),
        ("time-before 2026-11-22T12:00:01.123456789+00:00", True),
        ("time-before 2026-11-22T12:00:00Z", False),
        ("time-before soon", False),
        ("time-before 2027-01-01T00:00:00", False),
        ("ipaddr 10.0.0.7", True),
        ("iprange 10.0.0.0/8", True),
        ("lnd-custom sunusav yes", False),
    ],
)
def test_caveat_is_told_and_judged(caveat: str, *, fit: bool) -> None:
    verdict = judged(AccessScope.READONLY, uris(AccessScope.READONLY), caveat)
    assert verdict.conditions == (caveat,)
    assert verdict.is_fit is fit


GOOD = serialized(mint(ROOT_KEY, uris(AccessScope.READONLY)))


@pytest.mark.parametrize(
    ("binary", "words"),
    [
        (b"", "empty macaroon data"),
        (b"\x01" + GOOD[1:], "unrecognized first byte"),
        (b"{}", "unrecognized first byte"),
        (GOOD[:-1], "cut short"),
        (GOOD[:20], "cut short"),
        (b"\x02", "cannot unmarshal macaroon"),
        (serialized(Macaroon(b"\x02abc", (), b"s" * 32)), "invalid ID"),
    ],
    ids=["empty", "version", "json", "cut at the end", "cut inside", "version alone", "identifier"],
)
def test_unreadable_macaroon_is_refused(binary: bytes, words: str) -> None:
    with pytest.raises(MacaroonUnreadable) as refused:
        read_macaroon(binary)
    assert words in str(refused.value)


def test_identifier_that_is_no_message_is_refused() -> None:
    broken = read_macaroon(serialized(Macaroon(b"\x03\xff\xff", (), b"s" * 32)))
    with pytest.raises(MacaroonUnreadable):
        verdict_on(broken, AccessScope.PAYING, now=NOW)


def test_every_cut_and_every_changed_byte_is_read_or_refused_by_name() -> None:
    for place in range(len(GOOD)):
        for binary in (GOOD[:place], GOOD[:place] + bytes([GOOD[place] ^ 0xFF]) + GOOD[place + 1 :]):
            try:
                verdict_on(read_macaroon(binary), AccessScope.READONLY, now=NOW)
            except MacaroonUnreadable:
                continue


def test_repr_shows_nothing_of_the_macaroon() -> None:
    assert repr(read_macaroon(GOOD)) == "Macaroon()"


def test_bakery_command_names_known_methods_only() -> None:
    for errand in AccessScope:
        assert all(uri.removeprefix("uri:") in METHODS for uri in uris_of(errand))
    assert uris_of(AccessScope.READONLY) == (
        "uri:/lnrpc.Lightning/GetInfo",
        "uri:/lnrpc.Lightning/ChannelBalance",
    )
