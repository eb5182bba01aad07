"""QR codes as SVG, made here so that no page loads one from another host."""

from io import BytesIO

import segno

LIGHTNING_SCHEME = "LIGHTNING:"
SCALE = 4
# Error correction M: readable on a scratched screen, and an invoice still fits.
ERROR_LEVEL = "m"


def qr_svg(text: str) -> str:
    """Return a QR code as an SVG document: dark on white, with the quiet zone that scanners need."""
    out = BytesIO()
    code = segno.make(text, error=ERROR_LEVEL, boost_error=False, micro=False)
    code.save(out, kind="svg", scale=SCALE, light="#fff", xmldecl=False, nl=False)
    return out.getvalue().decode()


def lightning_qr_svg(text: str) -> str:
    """Return the QR code of a bech32 text for wallets: an invoice or an LNURL.

    In upper case, which takes two thirds of the space in a QR code (BOLT 11, LUD-01); URI schemes ignore case.
    """
    return qr_svg(LIGHTNING_SCHEME + text.upper())
