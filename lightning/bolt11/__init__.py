"""BOLT 11 invoices on libsecp256k1 (coincurve): `decode`, `encode`, and what they say.

Pure: no Django, no clock, no network. Whether an invoice may be *paid* is judged in `lightning.invoices`;
here is only whether it can be read. Strict where the specification is strict; every refusal is a class of
`lightning.bolt11.errors`.
"""

from lightning.bolt11.decoding import decode, normalised
from lightning.bolt11.encoding import encode
from lightning.bolt11.errors import Bolt11Error
from lightning.bolt11.types import Fallback, Feature, HopHint, Invoice, InvoiceDraft

__all__ = [
    "Bolt11Error",
    "Fallback",
    "Feature",
    "HopHint",
    "Invoice",
    "InvoiceDraft",
    "decode",
    "encode",
    "normalised",
]
