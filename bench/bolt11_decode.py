"""Measure how many invoices one core decodes per second: ours and the `bolt11` package, in the same run.

Run: `python -m bench.bolt11_decode [seconds per round]`. Target: 1,500 decodes/s.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from hashlib import sha256
from statistics import median

import bolt11

from lightning.bolt11 import InvoiceDraft, decode, encode

ROUNDS = 5
KEY = sha256(b"bench").digest()


def ordinary_invoice(number: int) -> str:
    """Write an invoice as LND does for a payout: fixed amount, valid for a day."""
    return encode(
        InvoiceDraft(
            network="bcrt",
            timestamp=1_760_000_000 + number,
            amount_msat=99_500_000,
            payment_hash=sha256(number.to_bytes(4, "big")).digest(),
            payment_secret=sha256(b"secret" + number.to_bytes(4, "big")).digest(),
            description="SunuSav tontine payout",
            expiry_seconds=86_400,
            min_final_cltv_expiry=80,
            features=1 << 8 | 1 << 14 | 1 << 17,
        ),
        KEY,
    )


def rate_of(read: Callable[[str], object], invoices: list[str], seconds: float) -> float:
    """Return decodes per second of CPU time, which does not depend on the load of the machine."""
    done, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        for invoice in invoices:
            read(invoice)
        done += len(invoices)
    return done / (time.process_time() - start)


def main(seconds: float) -> None:
    invoices = [ordinary_invoice(number) for number in range(50)]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(rate_of(decode, invoices, seconds))
        theirs.append(rate_of(bolt11.decode, invoices, seconds))
    print(f"ours     {median(ours):8.0f} decodes/s (target 1,500)")
    print(f"bolt11   {median(theirs):8.0f} decodes/s")
    print(f"ratio    {median(ours) / median(theirs):8.1f}")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 0.5)
