"""Drafts and strategies for invoices."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from coincurve import PrivateKey
from hypothesis import strategies as st

from lightning.bolt11 import Fallback, HopHint, InvoiceDraft
from lightning.bolt11.prefix import MAX_AMOUNT_MSAT, NETWORKS

KEY = sha256(b"a recipient").digest()
PAYEE = PrivateKey(KEY).public_key.format()
ORDINARY_FEATURES = 1 << 8 | 1 << 14 | 1 << 17


def draft(**facts: Any) -> InvoiceDraft:
    """Return a draft of 99,500 sats on regtest, with these values changed."""
    ordinary: dict[str, Any] = {
        "network": "bcrt",
        "timestamp": 1_760_000_000,
        "amount_msat": 99_500_000,
        "payment_hash": sha256(b"hash").digest(),
        "payment_secret": sha256(b"secret").digest(),
        "description": "tontine",
        "expiry_seconds": 86_400,
        "min_final_cltv_expiry": 80,
        "features": ORDINARY_FEATURES,
    }
    return InvoiceDraft(**(ordinary | facts))


def blobs(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


HOPS = st.builds(
    HopHint,
    pubkey=blobs(33),
    short_channel_id=st.integers(0, 2**64 - 1),
    fee_base_msat=st.integers(0, 2**32 - 1),
    fee_proportional_millionths=st.integers(0, 2**32 - 1),
    cltv_expiry_delta=st.integers(0, 2**16 - 1),
)
FALLBACKS = st.one_of(
    st.builds(Fallback, version=st.sampled_from([17, 18]), program=blobs(20)),
    st.builds(Fallback, version=st.just(0), program=st.one_of(blobs(20), blobs(32))),
    st.builds(Fallback, version=st.just(1), program=blobs(32)),
)
DESCRIPTIONS = st.one_of(
    st.fixed_dictionaries(
        {
            "description": st.text(st.characters(exclude_categories=["Cs"]), max_size=150),
            "description_hash": st.none(),
        }
    ),
    st.fixed_dictionaries({"description": st.none(), "description_hash": blobs(32)}),
)


@st.composite
def drafts(choose: st.DrawFn) -> InvoiceDraft:
    known_required = choose(st.sets(st.sampled_from([8, 14, 16, 48])))
    unknown_odd = choose(st.sets(st.sampled_from([51, 99, 151, 501])))
    return InvoiceDraft(
        network=choose(st.sampled_from(NETWORKS)),
        timestamp=choose(st.integers(0, 2**35 - 1)),
        amount_msat=choose(st.one_of(st.none(), st.integers(1, MAX_AMOUNT_MSAT))),
        payment_hash=choose(blobs(32)),
        payment_secret=choose(blobs(32)),
        payee=choose(st.sampled_from([None, PAYEE])),
        expiry_seconds=choose(st.one_of(st.none(), st.integers(0, 2**32 - 1))),
        min_final_cltv_expiry=choose(st.one_of(st.none(), st.integers(0, 65_535))),
        features=sum(1 << bit for bit in known_required | unknown_odd),
        route_hints=tuple(
            tuple(hint) for hint in choose(st.lists(st.lists(HOPS, min_size=1, max_size=3), max_size=3))
        ),
        fallbacks=tuple(choose(st.lists(FALLBACKS, max_size=2))),
        metadata=choose(st.one_of(st.none(), st.binary(max_size=80))),
        **choose(DESCRIPTIONS),
    )
