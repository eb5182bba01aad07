"""Reading and narrowing macaroons, and comparing their rights with an access scope."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import pytest

from lightning import macaroon_format as form
from lightning.access_scopes import NEEDED, AccessScope, uris_of
from lightning.macaroon_format import MacaroonUnreadable
from lightning.macaroons import (
    Assessment,
    Macaroon,
    Permission,
    assess,
    chained,
    narrowed,
    read_macaroon,
    serialized,
    time_before,
    with_caveat,
)
from lightning.proto.methods import METHODS
from sandbox.lnd.errors import Refusal
from sandbox.lnd.macaroons import BAKED, check, mint

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ROOT_KEY = b"k" * 32
INVOICING_ENTITIES = (("invoices", "read"), ("invoices", "write"), ("info", "read"))


def assess_minted(scope: AccessScope, permissions: tuple[Permission, ...], *caveats: str) -> Assessment:
    macaroon = mint(ROOT_KEY, permissions)
    for caveat in caveats:
        macaroon = with_caveat(macaroon, caveat)
    return assess(read_macaroon(serialized(macaroon)), scope, now=NOW)


def uris(scope: AccessScope) -> tuple[Permission, ...]:
    return tuple(("uri", method.path) for method in NEEDED[scope])


@pytest.mark.parametrize("scope", AccessScope)
def test_assess_exactly_the_needed_methods_is_fit(scope: AccessScope) -> None:
    assessment = assess_minted(scope, uris(scope))
    assert assessment.is_fit
    assert assessment.allowed == tuple(method.name for method in NEEDED[scope])
    assert (assessment.missing, assessment.forbidden, assessment.surplus, assessment.conditions) == (
        (),
        (),
        (),
        (),
    )


@pytest.mark.parametrize("scope", AccessScope)
def test_assess_admin_macaroon_is_unfit_for_every_scope(scope: AccessScope) -> None:
    assessment = assess_minted(scope, BAKED["admin"])
    assert not assessment.is_fit
    assert assessment.missing == ()
    forbidden = " ".join(assessment.forbidden)
    for right in ("offchain:write", "onchain:write", "macaroon:generate", "signer:write", "info:write"):
        assert right in forbidden


@pytest.mark.parametrize(
    ("scope", "right", "danger"),
    [
        (AccessScope.PAYING, ("offchain", "write"), "may delete payments"),
        (AccessScope.PAYING, ("onchain", "read"), "on-chain"),
        (AccessScope.PAYING, ("invoices", "write"), "may make, settle and cancel invoices"),
        (AccessScope.PAYING, ("uri", "/lnrpc.Lightning/DeletePayment"), "outside this scope"),
        (AccessScope.PAYING, ("uri", "/lnrpc.Lightning/DeleteAllPayments"), "not a method we know"),
        (AccessScope.INVOICING, ("uri", "/routerrpc.Router/SendPaymentV2"), "outside this scope"),
        (AccessScope.INVOICING, ("offchain", "write"), "may delete payments"),
        (AccessScope.INVOICING, ("address", "write"), "on-chain"),
        (AccessScope.READONLY, ("invoices", "write"), "may make, settle and cancel invoices"),
        (AccessScope.READONLY, ("uri", "/lnrpc.Lightning/AddInvoice"), "outside this scope"),
        (AccessScope.READONLY, ("info", "write"), "may stop the node"),
        (AccessScope.READONLY, ("peers", "read"), "peers"),
        (AccessScope.READONLY, ("invoices", "generate"), "make or revoke macaroons"),
        (AccessScope.READONLY, ("assets", "read"), "not a right we know"),
    ],
)
def test_assess_dangerous_right_is_forbidden(scope: AccessScope, right: Permission, danger: str) -> None:
    assessment = assess_minted(scope, (*uris(scope), right))
    assert [danger in text for text in assessment.forbidden] == [True]
    assert assessment.forbidden[0].startswith(":".join(right))
    assert not assessment.is_fit


@pytest.mark.parametrize(
    ("scope", "right"),
    [
        (AccessScope.PAYING, ("offchain", "read")),
        (AccessScope.PAYING, ("uri", "/routerrpc.Router/EstimateRouteFee")),
        (AccessScope.INVOICING, ("invoices", "write")),
        (AccessScope.READONLY, ("uri", "/lnrpc.Lightning/ListPayments")),
    ],
)
def test_assess_right_that_only_reads_more_is_surplus_and_fit(scope: AccessScope, right: Permission) -> None:
    assessment = assess_minted(scope, (*uris(scope), right))
    assert assessment.is_fit
    assert assessment.surplus == (":".join(right),)


def test_assess_entity_rights_of_lnds_own_files_allows_their_methods() -> None:
    assessment = assess_minted(AccessScope.INVOICING, INVOICING_ENTITIES)
    assert (assessment.missing, assessment.forbidden) == ((), ())


@pytest.mark.parametrize("scope", AccessScope)
def test_assess_without_one_method_names_it_as_missing(scope: AccessScope) -> None:
    for method in NEEDED[scope]:
        others = tuple(right for right in uris(scope) if right != ("uri", method.path))
        assessment = assess_minted(scope, others)
        assert assessment.missing == (method.name,)
        assert not assessment.is_fit


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
def test_assess_caveat_is_listed_and_checked(caveat: str, *, fit: bool) -> None:
    assessment = assess_minted(AccessScope.READONLY, uris(AccessScope.READONLY), caveat)
    assert assessment.conditions == (caveat,)
    assert assessment.is_fit is fit


GOOD = serialized(mint(ROOT_KEY, uris(AccessScope.READONLY)))
SHORT = b"\x02" + form.packet(2, b"\x03id") + b"\x00"  # version, identifier; no location
SIGNED = form.packet(6, b"s" * 32)


def line(text: bytes) -> bytes:
    """Return one field of the first form, with its length."""
    return b"%04x" % (len(text) + 5) + text + b"\n"


FIRST_FORM = line(b"location lnd") + line(b"identifier \x03abc")


# Each text is what gopkg.in/macaroon.v2 and LND's macaroons/service.go returned for the same bytes.
@pytest.mark.parametrize(
    ("binary", "text"),
    [
        (b"", "empty macaroon data"),
        (b"\x01" + GOOD[1:], "cannot determine data format of binary-encoded macaroon"),
        (b"{}", "cannot determine data format of binary-encoded macaroon"),
        (GOOD[:1], "unmarshal v2: section extends past end of buffer"),
        (GOOD[:2], "unmarshal v2: varint value extends past end of buffer"),
        (GOOD[:20], "unmarshal v2: field data extends past end of buffer"),
        (GOOD[:-33], "unmarshal v2: varint value extends past end of buffer"),
        (GOOD[:-1], "unmarshal v2: field data extends past end of buffer"),
        (SHORT + b"\x00", "unmarshal v2: varint value extends past end of buffer"),
        (b"\x02\x00", "unmarshal v2: invalid macaroon header"),
        (b"\x02" + b"\x80" * 10 + b"\x01", "unmarshal v2: varint value out of range"),
        (b"\x02\xff\xff\xff\xff\x0f\x00", "unmarshal v2: varint value out of range"),
        (
            b"\x02" + form.packet(2, b"a") + form.packet(1, b"b") + b"\x00",
            "unmarshal v2: fields out of order",
        ),
        (SHORT + form.packet(1, b"x") + b"\x00", "unmarshal v2: no identifier in caveat"),
        (
            SHORT + form.packet(1, b"x") + form.packet(2, b"c") + b"\x00",
            "unmarshal v2: location not allowed in first party caveat",
        ),
        (
            SHORT + form.packet(2, b"c") + form.packet(4, b"v") + form.packet(6, b"s") + b"\x00",
            "unmarshal v2: extra fields found in caveat",
        ),
        (
            SHORT + form.packet(2, b"c") + form.packet(5, b"v") + b"\x00",
            "unmarshal v2: invalid field found in caveat",
        ),
        (SHORT + b"\x00\x00", "unmarshal v2: unexpected field found instead of signature"),
        (SHORT + b"\x00" + form.packet(6, b"s"), "unmarshal v2: signature has unexpected length"),
        (GOOD.hex().encode(), "unmarshal v1: packet size too big"),
        (b"0011", "unmarshal v1: packet too short"),
        (b"00zz location", "unmarshal v1: cannot parse size"),
        (b"0003 location", "unmarshal v1: packet size too small"),
        (b"0011location_lnd\n", "unmarshal v1: cannot parse field name"),
        (b"0011location lnd ", "unmarshal v1: no terminating newline found"),
        (line(b"place lnd"), 'unmarshal v1: unexpected field "place"; expected location'),
        (FIRST_FORM + line(b"x y"), 'unmarshal v1: unexpected field "x"'),
        (FIRST_FORM + line(b"signature s"), "unmarshal v1: signature has unexpected length 1"),
        (FIRST_FORM + line(b"cid c") + line(b"signature " + b"s" * 32), "unknown macaroon version: v1"),
        (b"\x02" + form.packet(2, b"") + b"\x00\x00" + SIGNED, "invalid ID"),
        (serialized(Macaroon(b"\x02abc", (), b"s" * 32)), "invalid ID"),
        (
            SHORT + form.packet(2, b"c") + form.packet(4, b"v") + b"\x00\x00" + SIGNED,
            "a caveat for a third party, which LND cannot verify",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_read_macaroon_of_unreadable_bytes_is_refused_as_by_lnd(binary: bytes, text: str) -> None:
    with pytest.raises(MacaroonUnreadable) as refused:
        read_macaroon(binary)
    assert str(refused.value) == text


def test_read_macaroon_ignores_what_follows_the_signature() -> None:
    """As LND does; a macaroon is narrowed by its fields, so what follows is not sent."""
    assert read_macaroon(GOOD + b"more") == read_macaroon(GOOD)


def test_assess_identifier_that_is_not_protobuf_is_refused() -> None:
    broken = read_macaroon(serialized(Macaroon(b"\x03\xff\xff", (), b"s" * 32)))
    with pytest.raises(MacaroonUnreadable):
        assess(broken, AccessScope.PAYING, now=NOW)


def test_read_macaroon_cut_or_changed_anywhere_raises_nothing_else() -> None:
    for place in range(len(GOOD)):
        for binary in (GOOD[:place], GOOD[:place] + bytes([GOOD[place] ^ 0xFF]) + GOOD[place + 1 :]):
            try:
                assess(read_macaroon(binary), AccessScope.READONLY, now=NOW)
            except MacaroonUnreadable:
                continue


def test_repr_of_macaroon_shows_nothing_of_it() -> None:
    assert repr(read_macaroon(GOOD)) == "Macaroon()"


def test_uris_of_scope_names_known_methods_only() -> None:
    for scope in AccessScope:
        assert all(uri.removeprefix("uri:") in METHODS for uri in uris_of(scope))
    assert uris_of(AccessScope.READONLY) == (
        "uri:/lnrpc.Lightning/GetInfo",
        "uri:/lnrpc.Lightning/ChannelBalance",
        "uri:/lnrpc.Lightning/ListChannels",
    )


# The example of libmacaroons, which gopkg.in/macaroon.v2 signs in the same way.
EXAMPLE_SIGNATURES = [
    ("", "e3d9e02908526c4c0039ae15114115d97fdd68bf2ba379b342aaf0f617d0552f"),
    ("account = 3735928559", "1efe4763f290dbce0c1d08477367e11f4eee456a64933cf662d79772dbb82128"),
    ("time < 2020-01-01T00:00", "b5f06c8c8ef92f6c82c6ff282cd1f8bd1849301d09a2db634ba182536a611c49"),
    ("email = alice@example.org", "ddf553e46083e55b8d71ab822be3d8fcf21d6bf19c40d617bb9fb438934474b6"),
]


def test_chained_signatures_are_those_of_the_published_example() -> None:
    signature = bytes.fromhex(EXAMPLE_SIGNATURES[0][1])
    for caveat, expected in EXAMPLE_SIGNATURES[1:]:
        signature = chained(signature, caveat.encode())
        assert signature.hex() == expected


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOW, "time-before 2026-11-22T12:00:00.000000Z"),
        (NOW.replace(microsecond=1), "time-before 2026-11-22T12:00:00.000001Z"),
        (NOW.astimezone(timezone(timedelta(hours=5))), "time-before 2026-11-22T12:00:00.000000Z"),
    ],
    ids=["whole second", "microsecond", "other zone"],
)
def test_time_before_is_written_as_rfc3339_in_utc(moment: datetime, text: str) -> None:
    """Go parses it with the layout 2006-01-02T15:04:05.999999999Z07:00: any fraction, or none."""
    assert time_before(moment) == text


def test_narrowed_macaroon_is_accepted_before_its_moment_only() -> None:
    method = METHODS["/lnrpc.Lightning/GetInfo"]
    binary = narrowed(GOOD, NOW)
    assert read_macaroon(binary).granted() == read_macaroon(GOOD).granted()
    moment_ns = int(NOW.timestamp()) * 10**9
    check_at = partial(check, binary, root_key=ROOT_KEY, needed=method.permissions, path=method.path)
    check_at(now_ns=moment_ns - 1_000)
    for later_ns in (0, 1_000, 10**12):
        with pytest.raises(Refusal, match=f'caveat "{time_before(NOW)}" not satisfied: macaroon has expired'):
            check_at(now_ns=moment_ns + later_ns)


def test_narrowed_macaroon_keeps_the_caveats_it_had() -> None:
    limited = serialized(with_caveat(read_macaroon(GOOD), "ipaddr 10.0.0.7"))
    assert read_macaroon(narrowed(limited, NOW)).conditions() == ("ipaddr 10.0.0.7", time_before(NOW))


def test_narrowed_unreadable_macaroon_is_refused() -> None:
    with pytest.raises(MacaroonUnreadable):
        narrowed(GOOD[:-1], NOW)
