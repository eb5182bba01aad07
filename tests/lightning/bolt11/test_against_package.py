"""Our codec and the `bolt11` package (LNbits) read each other's invoices."""

from __future__ import annotations

import bolt11
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning.bolt11 import decode, encode
from tests.lightning.bolt11.drafts import KEY, PAYEE, blobs, draft
from tests.lightning.bolt11.vectors import VALID


@settings(max_examples=60, deadline=None)
@given(
    network=st.sampled_from(["bc", "tb", "bcrt"]),
    amount_msat=st.one_of(st.none(), st.integers(1, 10**12)),
    payment_hash=blobs(32),
    payment_secret=blobs(32),
    description=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    expiry_seconds=st.integers(1, 10**6),
)
def test_package_decodes_our_invoices(**facts: object) -> None:
    wanted = draft(**facts)
    theirs = bolt11.decode(encode(wanted, KEY))
    assert (theirs.currency, theirs.amount_msat) == (wanted.network, wanted.amount_msat)
    assert (theirs.payment_hash, theirs.payment_secret) == (
        wanted.payment_hash.hex(),
        wanted.payment_secret.hex(),
    )
    assert (theirs.description, theirs.expiry, theirs.date) == (
        wanted.description,
        wanted.expiry_seconds,
        wanted.timestamp,
    )
    assert theirs.payee == PAYEE.hex()


def test_decode_vectors_agrees_with_the_package() -> None:
    for vector in VALID:
        ours, theirs = decode(vector["invoice"]), bolt11.decode(vector["invoice"])
        assert (ours.payment_hash.hex(), ours.amount_msat) == (theirs.payment_hash, theirs.amount_msat)
        assert (ours.timestamp, ours.description) == (theirs.date, theirs.description)


@settings(max_examples=30, deadline=None)
@given(st.one_of(st.none(), st.integers(1, 10**12)), st.integers(1, 10**6))
def test_decode_reads_invoices_of_the_package(amount_msat: int | None, expiry: int) -> None:
    written = bolt11.encode(
        bolt11.Bolt11(
            currency="bcrt",
            amount_msat=None if amount_msat is None else bolt11.MilliSatoshi(amount_msat),
            date=1_760_000_000,
            tags=bolt11.Tags.from_dict(
                {
                    "payment_hash": "01" * 32,
                    "payment_secret": "02" * 32,
                    "description": "pot",
                    "expire_time": expiry,
                }
            ),
        ),
        KEY.hex(),
    )
    ours = decode(written)
    assert (ours.amount_msat, ours.expiry_seconds, ours.payee) == (amount_msat, expiry, PAYEE)
    assert (ours.payment_hash, ours.description) == (b"\x01" * 32, "pot")
