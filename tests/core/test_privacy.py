"""Personal data is readable with the key of its person and unreadable once the key is erased."""

from datetime import datetime

import pytest
from cryptography.exceptions import InvalidTag

from sunusav.core.models import PersonKey
from sunusav.core.privacy import (
    PersonErased,
    erase,
    mask_name,
    mask_phone,
    open_sealed,
    reveal,
    seal,
    seal_bytes,
)

AWA, MOUSSA = "user:awa", "user:moussa"


@pytest.mark.django_db
def test_sealed_text_is_revealed_and_never_the_same_twice() -> None:
    first, second = seal(AWA, "Awa Diop"), seal(AWA, "Awa Diop")
    assert reveal(AWA, first) == reveal(AWA, second) == "Awa Diop"
    assert first != second
    assert b"Awa" not in first
    assert PersonKey.objects.count() == 1


@pytest.mark.django_db
def test_erased_person_is_unreadable_everywhere_and_others_are_not(now: datetime) -> None:
    awa, moussa = seal(AWA, "Awa Diop"), seal(MOUSSA, "Moussa")
    erase(AWA, now=now)
    with pytest.raises(PersonErased) as refusal:
        reveal(AWA, awa)
    assert refusal.value.facts == {"person_ref": AWA}
    with pytest.raises(PersonErased):
        seal(AWA, "again")
    assert reveal(MOUSSA, moussa) == "Moussa"
    row = PersonKey.objects.get(person_ref=AWA)
    assert (row.wrapped_key, row.erased_at) == (None, now)


@pytest.mark.django_db
def test_text_of_one_person_is_not_readable_as_another() -> None:
    sealed = seal(AWA, "Awa Diop")
    seal(MOUSSA, "x")
    with pytest.raises(InvalidTag):
        reveal(MOUSSA, sealed)


@pytest.mark.django_db
def test_reveal_unknown_person_creates_no_key() -> None:
    with pytest.raises(PersonErased):
        reveal("user:nobody", b"x" * 40)
    assert not PersonKey.objects.exists()


@pytest.mark.django_db
def test_key_is_wrapped_and_bound_to_its_person(settings: pytest.FixtureRequest) -> None:
    sealed = seal(AWA, "Awa Diop")
    PersonKey.objects.filter(person_ref=AWA).update(person_ref="user:thief")
    with pytest.raises(InvalidTag):
        reveal("user:thief", sealed)


@pytest.mark.django_db
def test_person_reference_is_exact() -> None:
    seal("user:awa", "a")
    seal("user:Awa", "b")
    seal("user:áwa", "c")
    assert PersonKey.objects.count() == 3


def test_bytes_sealed_with_the_master_key_are_bound_to_their_purpose() -> None:
    sealed = seal_bytes(b"answer", bound_to="row 1")
    assert open_sealed(sealed, bound_to="row 1") == b"answer"
    with pytest.raises(InvalidTag):
        open_sealed(sealed, bound_to="row 2")


@pytest.mark.parametrize(
    ("phone", "masked"),
    [("+221771234567", "+22177•••••67"), ("221771234567", "22177•••••67"), ("12345678", "…"), ("", "…")],
)
def test_mask_phone_shows_enough_to_recognise_it(phone: str, masked: str) -> None:
    assert mask_phone(phone) == masked


@pytest.mark.parametrize(("name", "masked"), [("Awa Diop", "A. D."), ("  Awa  ", "A."), ("", "")])
def test_mask_name_shows_initials(name: str, masked: str) -> None:
    assert mask_name(name) == masked
