"""BOLT 11 invoices: `decode`, `encode` and their values, on libsecp256k1 (coincurve).

Pure: no Django, no clock, no network. Decides only whether an invoice can be read; `lightning.invoices` decides
whether it may be paid. Strict where the specification is strict; each refusal is a class of `lightning.bolt11.errors`.
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
