"""QR codes as SVG, made here: no page and no answer loads one from elsewhere."""

from io import BytesIO

import segno

LIGHTNING_SCHEME = "LIGHTNING:"
SCALE = 4
# Error correction M: it survives a scratched screen, and an invoice still fits.
ERROR_LEVEL = "m"


def qr_svg(text: str) -> str:
    """Return a QR code as an SVG document: dark modules on a light ground, with the quiet zone scanners need."""
    out = BytesIO()
    code = segno.make(text, error=ERROR_LEVEL, boost_error=False, micro=False)
    code.save(out, kind="svg", scale=SCALE, light="#fff", xmldecl=False, nl=False)
    return out.getvalue().decode()


def lightning_qr_svg(text: str) -> str:
    """Return the QR code of a bech32 text that wallets read: an invoice or an LNURL.

    In capitals, which a QR code holds in two thirds of the space (BOLT 11, LUD-01); a scheme knows no case.
    """
    return qr_svg(LIGHTNING_SCHEME + text.upper())
