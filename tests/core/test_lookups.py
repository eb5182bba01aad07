"""Names are found by the beginnings of their words, by keyed hashes that say nothing without the key."""

from datetime import datetime
from hashlib import sha256

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from sunusav.core.lookups import (
    LOOKUP_KEY,
    found_by,
    name_terms,
    search_terms,
    store_lookups,
    words_of,
)
from sunusav.core.models import LookupToken, PersonKey
from sunusav.core.privacy import erase, seal
from sunusav.core.rotation import encrypted_columns, rotate

AWA, BINTA = "member:awa", "member:binta"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Awa Ndiaye", ["awa", "ndiaye"]),
        ("  NDÈYE   Kañaari ", ["ndeye", "kanaari"]),
        ("N'Diaye", ["ndiaye"]),
        ("N’Diaye Thiam-Gomis", ["ndiaye", "thiam", "gomis"]),
        ("Bâ, M. Sy", ["ba", "sy"]),
        ("Tontine 2", ["tontine"]),
        ("Tontine 22", ["tontine", "22"]),
        ("%_", []),
    ],
)
def test_words_have_no_case_accents_and_single_letters(name: str, words: list[str]) -> None:
    assert words_of(name) == words


def test_name_is_stored_by_beginnings_of_three_to_ten_letters_and_short_words_whole() -> None:
    assert name_terms("n", ["Awa Ba", "Abdoulrahmane"]) == {
        "n:awa", "n:ba", "n:abd", "n:abdo", "n:abdou", "n:abdoul", "n:abdoulr", "n:abdoulra", "n:abdoulrah",
        "n:abdoulrahm",
    }  # fmt: skip


def test_search_asks_for_the_longest_word_first_and_no_more_letters_than_are_stored() -> None:
    assert search_terms("n", "ba Abdoulrahmane x") == ["n:abdoulrahm", "n:ba"]


@pytest.mark.django_db
def test_all_words_have_to_be_there_in_any_order() -> None:
    store_lookups(AWA, name_terms("n", ["Awa Ndiaye"]))
    store_lookups(BINTA, name_terms("n", ["Binta Ndiaye Ba"]))

    def found(text: str) -> list[str]:
        return found_by(search_terms("n", text), limit=10)

    assert found("ndi") == [AWA, BINTA]
    assert found("Ndiayé BIN") == [BINTA]
    assert found("ba ndiaye") == [BINTA]
    assert [found(text) for text in ("awa ba", "nd", "diaye", "", "%", "x")] == [[]] * 6
    assert found_by(search_terms("other", "ndiaye"), limit=10) == []


@pytest.mark.django_db
def test_pages_follow_each_other() -> None:
    for number in range(5):
        store_lookups(f"member:{number}", {"n:awa"})

    assert found_by(["n:awa"], limit=2) == ["member:0", "member:1"]
    assert found_by(["n:awa"], after="member:1", limit=2) == ["member:2", "member:3"]
    assert found_by(["n:awa"], after="member:4", limit=2) == []


@pytest.mark.django_db
def test_finding_is_one_query_after_the_key_and_a_count_of_each_of_several_words(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    store_lookups(AWA, name_terms("n", ["Awa Ndiaye"]))

    with django_assert_num_queries(2):
        assert found_by(search_terms("n", "awa"), limit=10) == [AWA]
    with django_assert_num_queries(4):
        assert found_by(search_terms("n", "awa ndiaye"), limit=10) == [AWA]


@pytest.mark.django_db
def test_search_goes_through_those_of_the_rarest_word(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    """The longest word is the one that many have."""
    for number in range(3):
        store_lookups(f"member:{number}", name_terms("n", ["Mouhamed"]))
    store_lookups(AWA, name_terms("n", ["Mouhamed Awa"]))
    shared = LookupToken.objects.filter(subject="member:0").values("token")
    rare = LookupToken.objects.filter(subject=AWA).exclude(token__in=shared)

    with django_assert_num_queries(4) as queries:
        assert found_by(search_terms("n", "mouhamed awa"), limit=10) == [AWA]

    searched, _, checked = queries[-1]["sql"].partition("EXISTS")
    assert rare.get().token in searched
    assert rare.get().token not in checked


@pytest.mark.django_db
def test_new_name_replaces_the_old_one() -> None:
    store_lookups(AWA, {"n:awa", "n:ndi"})
    kept = LookupToken.objects.order_by("pk").values_list("pk", flat=True)
    before = set(kept)

    store_lookups(AWA, {"n:ndi", "n:sow"})

    assert [found_by([term], limit=2) for term in ("n:awa", "n:ndi", "n:sow")] == [[], [AWA], [AWA]]
    assert len(before & set(kept.all())) == 1  # what did not change was not written again


@pytest.mark.django_db
def test_erasure_deletes_what_a_person_is_found_by_and_of_nobody_else(now: datetime) -> None:
    seal(AWA, "Awa")
    for person in (AWA, BINTA):
        store_lookups(person, {"n:ndi"})

    erase(AWA, now=now)

    assert list(LookupToken.objects.values_list("subject", flat=True)) == [BINTA]


@pytest.mark.django_db
def test_token_is_no_hash_that_somebody_without_the_key_can_compute() -> None:
    store_lookups(AWA, {"n:awa"})

    token = LookupToken.objects.get().token

    assert len(token) == 32
    assert token != sha256(b"n:awa").hexdigest()[:32]
    assert PersonKey.objects.get(person_ref=LOOKUP_KEY).wrapped_key is not None


@pytest.mark.django_db
def test_rotation_of_the_master_key_moves_the_key_of_lookups_and_no_token(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEY, settings.FIELD_ENCRYPTION_OLD_KEYS = "44" * 32, []
    store_lookups(AWA, {"n:awa"})
    before = list(LookupToken.objects.values())
    settings.FIELD_ENCRYPTION_KEY, settings.FIELD_ENCRYPTION_OLD_KEYS = "55" * 32, ["44" * 32]

    assert sum(rotate(column) for column in encrypted_columns()) == 1

    settings.FIELD_ENCRYPTION_OLD_KEYS = []
    assert list(LookupToken.objects.values()) == before
    assert found_by(["n:awa"], limit=1) == [AWA]
