import pytest

from partners.mtn.texts import are_alike, plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Cotisation d'Aïssatou — cycle n° 3 (été)", "Cotisation d Aissatou cycle n 3 ete"),
        ("  œuvre ½ & \n tab ", "uvre 1 2 tab"),
        ("", ""),
        ("a" * 200, "a" * 160),
        ("x" * 159 + " yz", "x" * 159),
        ("عربي", ""),
    ],
)
def test_plain_folds_a_text_to_what_a_note_may_hold(text: str, expected: str) -> None:
    assert plain(text) == expected


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("Awa Kouassi", "KOUASSI AWA", True),
        ("Aïcha Traoré", "traore aicha mariam", True),
        ("Awa", "Awa Kouassi", True),
        ("Awa Kouassi", "Awa Diabate", False),
        ("", "Awa", False),
        ("Awa", "", False),
        ("???", "!!!", False),
    ],
)
def test_names_are_alike_when_the_words_of_one_are_in_the_other(
    ours: str, theirs: str, expected: bool
) -> None:
    assert are_alike(ours, theirs) is expected
