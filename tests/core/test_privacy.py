"""Personal data is readable with the key of its person and unreadable once the key is erased."""

from datetime import datetime
from hashlib import sha256

import pytest
from cryptography.exceptions import InvalidTag
from pytest_django import DjangoAssertNumQueries

from sunusav.core.models import PersonKey
from sunusav.core.privacy import (
    PersonErased,
    erase,
    keys_for,
    keys_of,
    mask_address,
    mask_name,
    mask_phone,
    mask_text,
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


@pytest.mark.django_db
def test_keys_of_many_persons_are_read_in_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    sealed = {person: seal(person, f"of {person}") for person in (AWA, MOUSSA)}
    with django_assert_num_queries(1):
        keys = keys_of([AWA, MOUSSA, AWA, "user:nobody"])
        assert [keys.reveal(*one) for one in sealed.items()] == ["of user:awa", "of user:moussa"]
        assert keys.reveal(AWA, keys.seal(AWA, "again")) == "again"
    with pytest.raises(PersonErased):
        keys.reveal("user:nobody", b"x" * 40)
    assert "of user" not in repr(keys)


@pytest.mark.django_db
def test_digests_compare_texts_of_one_person_and_say_nothing_without_the_key(now: datetime) -> None:
    seal(MOUSSA, "x")
    assert keys_for(AWA).digest(AWA, "a") == keys_for(AWA).digest(AWA, "a")
    keys = keys_of([AWA, MOUSSA])
    assert keys.digest(AWA, "+221771234567") == keys_of([AWA]).digest(AWA, "+221771234567")
    others = {keys.digest(AWA, "+221771234568"), keys.digest(MOUSSA, "+221771234567")}
    assert keys.digest(AWA, "+221771234567") not in others
    assert sha256(b"+221771234567").hexdigest() not in {keys.digest(AWA, "+221771234567"), *others}
    erase(AWA, now=now)
    with pytest.raises(PersonErased):
        keys_of([AWA]).digest(AWA, "+221771234567")


def test_addresses_and_texts_are_masked() -> None:
    assert mask_address("awa.diop@wallet.example") == "a…@wallet.example"
    assert mask_address("no address") == "…"
    assert mask_text("lnbc1" + "x" * 50 + "end1") == "lnbc1xxx…end1"
    assert mask_text("x" * 24) == "…"


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
