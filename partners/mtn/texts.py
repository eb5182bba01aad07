"""Texts and names as MTN takes them: plain letters, digits and spaces, or the call is refused."""

from __future__ import annotations

import re
import unicodedata

LONGEST_NOTE = 160


def plain(text: str) -> str:
    """Fold a text to plain letters, digits and single spaces, at most as long as a note may be."""
    decomposed = unicodedata.normalize("NFKD", text)
    letters = "".join(character for character in decomposed if not unicodedata.combining(character))
    return re.sub(r"[^A-Za-z0-9]+", " ", letters).strip()[:LONGEST_NOTE].strip()


def are_alike(ours: str, theirs: str) -> bool:
    """Return whether two names may be one person's: each word of the shorter one is in the longer one."""
    first, second = (set(plain(name).lower().split()) for name in (ours, theirs))
    return bool(first) and bool(second) and (first <= second or second <= first)
