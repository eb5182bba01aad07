"""Find people and groups by phone or by part of a name, although neither is stored in clear.

A subject is found by tokens: hashes of its phone and of the beginnings of the words of its name, keyed with a key that
all look-ups share. That key is random, and stored like a person's: wrapped under the master key, so that rotation moves
it and no token changes. Who has the database and not the master key cannot compute a token; what the tokens still say
is in docs/privacy.md.
"""

import unicodedata
from collections.abc import Collection, Iterable, Sequence

from django.db.models import Exists, OuterRef

from sunusav.core.models import LookupToken
from sunusav.core.models.lookup import TOKEN_DIGITS
from sunusav.core.privacy import keys_for

LOOKUP_KEY = "look-ups"
# Beginnings of three letters at least: shorter ones are shared by too many, and only whole words are so short.
SHORTEST_PREFIX, LONGEST_PREFIX = 3, 10
SHORTEST_WORD = 2
WORDS_AT_MOST = 8
# Subjects of a term that are counted, to begin with the rarest.
MANY = 1_000
APOSTROPHES = "'’‘ʼ`"


def words_of(name: str) -> list[str]:
    """Return the words of a name without case, accents and apostrophes; single letters are left out."""
    plain = unicodedata.normalize("NFKD", name.translate({ord(mark): None for mark in APOSTROPHES}))
    kept = (character for character in plain if not unicodedata.combining(character))
    spaced = "".join(character if character.isalnum() else " " for character in kept)
    return [word for word in spaced.casefold().split() if len(word) >= SHORTEST_WORD]


def name_terms(kind: str, names: Iterable[str]) -> set[str]:
    """Return what names are stored by: each word's beginnings of three to ten letters, shorter words whole."""
    words = {word for name in names for word in words_of(name)}
    return {f"{kind}:{prefix}" for word in words for prefix in _prefixes(word)}


def search_terms(kind: str, text: str) -> list[str]:
    """Return what a name that contains these words is found by, the most telling first."""
    words = sorted(set(words_of(text)), key=len, reverse=True)[:WORDS_AT_MOST]
    return [f"{kind}:{word[:LONGEST_PREFIX]}" for word in words]


def store_lookups(subject: str, terms: Collection[str]) -> None:
    """Replace what a subject is found by, in the caller's transaction, which holds the lock of the subject."""
    tokens = set(_tokens(terms))
    stored = LookupToken.objects.filter(subject=subject)
    known = set(stored.values_list("token", flat=True))
    if gone := known - tokens:
        stored.filter(token__in=gone).delete()
    LookupToken.objects.bulk_create(
        LookupToken(subject=subject, token=token) for token in sorted(tokens - known)
    )


def found_by(terms: Sequence[str], *, after: str = "", limit: int) -> list[str]:
    """Return the subjects that have all these terms, in the order of their identifiers, after one of them."""
    if not terms:
        return []
    first, *others = _rarest_first(_tokens(terms))
    rows = LookupToken.objects.filter(token=first, subject__gt=after)
    for token in others:
        rows = rows.filter(Exists(LookupToken.objects.filter(token=token, subject=OuterRef("subject"))))
    return list(rows.order_by("subject").values_list("subject", flat=True)[:limit])


def _rarest_first(tokens: Sequence[str]) -> list[str]:
    """Put first what the fewest subjects have: a first name that a million share is not gone through for a surname.

    Nobody counts beyond `MANY`; of those that more have, the most telling stays first.
    """
    if len(tokens) == 1:
        return list(tokens)
    counted = {token: LookupToken.objects.filter(token=token)[: MANY + 1].count() for token in tokens}
    return sorted(tokens, key=counted.__getitem__)


def _prefixes(word: str) -> set[str]:
    if len(word) < SHORTEST_PREFIX:
        return {word}
    return {word[:length] for length in range(SHORTEST_PREFIX, min(len(word), LONGEST_PREFIX) + 1)}


def _tokens(terms: Iterable[str]) -> list[str]:
    keys = keys_for(LOOKUP_KEY)
    return [keys.digest(LOOKUP_KEY, term)[:TOKEN_DIGITS] for term in terms]
