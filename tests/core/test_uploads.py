"""Names of uploads are made harmless."""

import unicodedata

import pytest

from sunusav.core.uploads import clean_name


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("../../x.pdf", "x.pdf"), ("/etc/passwd.pdf", "passwd.pdf"), ("C:\\papers\\x.pdf", "x.pdf"),
        ("..\\..\\x.pdf", "x.pdf"), ("a.pdf\r\nX: y", "a.pdf X: y"), ("a\r\nX: y.pdf", "a X: y.pdf"),
        ("a\0b.pdf", "ab.pdf"), ("a\x1b[31m.pdf", "a[31m.pdf"), ("a\u202efdp.exe.pdf", "afdp.exe.pdf"),
        ("a\u2028b.pdf", "a b.pdf"), ("relevé n°\u00a05.pdf", "relevé n° 5.pdf"), ("..pdf", "pdf"), ("..", ""),
        (" . a .pdf . ", "a.pdf"), ("", ""), ("\ud800.pdf", "pdf"), ("a/", ""),
        ("cafe\u0301.pdf", "caf\u00e9.pdf"), ("e\u200d\u0301.pdf", "\u00e9.pdf"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"), ("x." + "y" * 300, "x." + "y" * 118), ("x" * 119 + " y", "x" * 119),
    ],
)  # fmt: skip
def test_name_is_made_harmless(name: str, cleaned: str) -> None:
    assert clean_name(name) == cleaned
    assert clean_name(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert len(cleaned) <= 120
