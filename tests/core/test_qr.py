"""The SVG draws the QR code of the text: its path, followed as a browser draws it, gives the matrix of the code."""

import re
from xml.etree import ElementTree as ET

import pytest
import segno

from sunusav.core.qr import SCALE, qr_svg

SVG = "{http://www.w3.org/2000/svg}"
QUIET_ZONE = 4  # ISO/IEC 18004: four modules on each side
INVOICE = "lnbcrt995u1p" + "qpzry9x8gf2tvdw0s3jn54khce6mua7l" * 9


def drawn(svg: str) -> list[list[int]]:
    """Return the modules on the dark path of an SVG; every `h` draws a number of modules in a row."""
    root = ET.fromstring(svg)
    (group,) = root.findall(f"{SVG}g")
    ground, dark = group.findall(f"{SVG}path")
    assert (ground.get("fill"), dark.get("stroke")) == ("#fff", "#000")
    assert group.get("transform") == f"scale({SCALE})"
    size = int(str(root.get("width"))) // SCALE
    rows, x, y = [[0] * size for _ in range(size)], 0.0, 0.0
    for command, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?", str(dark.get("d"))):
        match command:
            case "M":
                x, y = float(first), float(second)
            case "m":
                x, y = x + float(first), y + float(second)
            case "h":
                start, length = int(x), int(first)
                rows[int(y)][start : start + length] = [1] * length
                x += length
    return rows


@pytest.mark.parametrize("text", ["LIGHTNING:LNURL1DP68", "with small letters, too: é", INVOICE.upper()])
def test_svg_draws_the_code_of_the_text_with_its_quiet_zone(text: str) -> None:
    code = segno.make(text, error="m", boost_error=False, micro=False)

    shown = drawn(qr_svg(text))

    assert [row[QUIET_ZONE:-QUIET_ZONE] for row in shown[QUIET_ZONE:-QUIET_ZONE]] == [
        list(row) for row in code.matrix
    ]
    around = [
        *shown[:QUIET_ZONE],
        *shown[-QUIET_ZONE:],
        *[row[:QUIET_ZONE] + row[-QUIET_ZONE:] for row in shown],
    ]
    assert not any(module for row in around for module in row)


def test_lightning_text_is_a_uri_in_the_capitals_that_make_a_small_code() -> None:
    """Capitals use alphanumeric mode: 5.5 bits per character instead of 8."""
    code = segno.make(f"LIGHTNING:{INVOICE.upper()}", error="m", boost_error=False, micro=False)

    assert code.mode == "alphanumeric"
    assert qr_svg(f"lightning:{INVOICE}", ignores_case=True) == qr_svg(f"LIGHTNING:{INVOICE.upper()}")
    assert len(code.matrix) < len(segno.make(f"lightning:{INVOICE}", error="m", boost_error=False).matrix)


def test_svg_holds_nothing_but_the_drawing() -> None:
    root = ET.fromstring(qr_svg("</svg><script>alert(1)</script>"))
    assert {element.tag for element in root.iter()} == {f"{SVG}svg", f"{SVG}g", f"{SVG}path"}
