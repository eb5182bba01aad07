"""Master keys are rotated: the new one encrypts, the old ones decrypt, and values move in batches beside traffic."""

import re
from collections.abc import Callable
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from pytest_django import Settings

from sunusav.api.models import IdempotencyKey
from sunusav.core.app_modules import collect
from sunusav.core.encryption import current_key_id, key_id_of
from sunusav.core.health import DEGRADED, HEALTH_CHECKS, OK, HealthReport
from sunusav.core.models import PersonKey
from sunusav.core.privacy import PersonErased, erase, open_sealed, reveal, seal, seal_bytes
from sunusav.core.rotation import EncryptedColumn, rotate_batch
from tests.architecture.code import sources
from tests.factories.users import make_user

OLD, NEW, OTHER = "44" * 32, "55" * 32, "66" * 32
PERSONS = EncryptedColumn("core.PersonKey", "wrapped_key", bound_by="person_ref")


@pytest.fixture
def rotating(settings: Settings) -> Callable[..., None]:
    """Return a function that sets the new key and the old ones."""

    def use(new: str, *old: str) -> None:
        settings.FIELD_ENCRYPTION_KEY = new
        settings.FIELD_ENCRYPTION_OLD_KEYS = list(old)

    use(OLD)
    return use


def people(count: int) -> dict[str, bytes]:
    """Seal the name of each of so many people."""
    return {f"member:{number}": seal(f"member:{number}", f"Awa {number}") for number in range(count)}


def names(sealed: dict[str, bytes]) -> list[str]:
    return [reveal(person, one) for person, one in sealed.items()]


def answer(number: int = 1) -> IdempotencyKey:
    """Store an answer under a client's key."""
    scope = f"{number:064}"
    return IdempotencyKey.objects.create(
        scope_hash=scope, client=make_user(), fingerprint="f", state="answered", lease="l", status=200,
        sealed_content=seal_bytes(b"kept", bound_to=scope), key_id=current_key_id(),
        leased_at="2026-01-31T09:30Z", created_at="2026-01-31T09:30Z",
    )  # fmt: skip


def rotated(*options: str) -> str:
    printed = StringIO()
    call_command("rotate_keys", *options, stdout=printed)
    return printed.getvalue()


def health(now: datetime) -> HealthReport:
    [check] = [check for check in HEALTH_CHECKS if check.component == "encryption"]
    return check.run(now)


# What opens what


def test_key_id_is_eight_digits_that_do_not_reveal_the_key() -> None:
    first, second = (key_id_of(bytes.fromhex(key)) for key in (OLD, NEW))
    assert (len(first), first != second) == (8, True)
    assert int(first, 16) >= 0


def test_old_key_opens_what_it_sealed_and_the_new_one_seals(rotating: Callable[..., None]) -> None:
    sealed = seal_bytes(b"kept", bound_to="row")
    rotating(NEW, OTHER, OLD)
    assert open_sealed(sealed, bound_to="row") == b"kept"
    again = seal_bytes(b"kept", bound_to="row")
    rotating(NEW)
    assert open_sealed(again, bound_to="row") == b"kept"
    with pytest.raises(InvalidTag):
        open_sealed(sealed, bound_to="row")


def test_key_that_is_announced_as_old_opens_what_newer_processes_seal(rotating: Callable[..., None]) -> None:
    rotating(NEW, OLD)
    sealed = seal_bytes(b"kept", bound_to="row")
    rotating(OLD, NEW)
    assert open_sealed(sealed, bound_to="row") == b"kept"


@pytest.mark.django_db
def test_person_keys_name_the_master_key_that_wraps_them(rotating: Callable[..., None]) -> None:
    seal("member:1", "Awa")
    assert PersonKey.objects.get().key_id == key_id_of(bytes.fromhex(OLD))


# Rotating


@pytest.mark.django_db
def test_every_value_is_under_the_new_key_and_reads_as_before(rotating: Callable[..., None]) -> None:
    sealed = people(3)
    row = answer()
    before = names(sealed)
    rotating(NEW, OLD)

    printed = rotated()

    assert printed.splitlines() == [
        "core.PersonKey.wrapped_key: 3 done, 0 left, 0 erased or empty",
        "api.IdempotencyKey.sealed_content: 1 done, 0 left, 0 erased or empty",
    ]
    rotating(NEW)
    assert names(sealed) == before
    row.refresh_from_db()
    assert open_sealed(bytes(row.sealed_content or b""), bound_to=row.scope_hash) == b"kept"
    ids = {*PersonKey.objects.values_list("key_id", flat=True), row.key_id}
    assert ids == {key_id_of(bytes.fromhex(NEW))}


@pytest.mark.django_db
def test_rows_from_before_key_ids_are_opened_and_rotated(rotating: Callable[..., None]) -> None:
    sealed = people(2)
    PersonKey.objects.update(key_id="")
    assert names(sealed) == ["Awa 0", "Awa 1"]
    rotating(NEW, OLD)
    assert rotated().startswith("core.PersonKey.wrapped_key: 2 done, 0 left")
    rotating(NEW)
    assert names(sealed) == ["Awa 0", "Awa 1"]


@pytest.mark.django_db
def test_rotation_that_was_interrupted_goes_on_where_it_stopped(rotating: Callable[..., None]) -> None:
    sealed = people(5)
    rotating(NEW, OLD)
    first = rotate_batch(PERSONS, after=None, limit=2)
    assert (first.done, first.last) == (2, PersonKey.objects.order_by("pk")[1].pk)
    assert len(set(PersonKey.objects.values_list("key_id", flat=True))) == 2
    assert len(names(sealed)) == 5

    assert rotated().startswith("core.PersonKey.wrapped_key: 3 done, 0 left")
    assert rotated().startswith("core.PersonKey.wrapped_key: 0 done, 0 left")


@pytest.mark.django_db
def test_batches_cover_more_rows_than_one_has(rotating: Callable[..., None]) -> None:
    people(5)
    rotating(NEW, OLD)
    after, sizes = None, []
    while True:
        batch = rotate_batch(PERSONS, after=after, limit=2)
        if batch.last is None:
            break
        sizes.append(batch.done)
        after = batch.last
    assert sizes == [2, 2, 1]


@pytest.mark.django_db
def test_erased_person_stays_erased(rotating: Callable[..., None], now: datetime) -> None:
    people(2)
    erase("member:0", now=now)
    rotating(NEW, OLD)
    assert rotated().startswith("core.PersonKey.wrapped_key: 1 done, 0 left, 1 erased or empty")
    assert PersonKey.objects.get(person_ref="member:0").wrapped_key is None


@pytest.mark.django_db
def test_erasure_between_the_read_and_the_write_of_a_batch_wins(
    rotating: Callable[..., None], now: datetime
) -> None:
    sealed = people(2)
    rotating(NEW, OLD)
    waiting = [lambda: erase("member:0", now=now)]

    def before_the_first_update(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and waiting:
            waiting.pop()()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(before_the_first_update):
        printed = rotated()

    assert printed.startswith("core.PersonKey.wrapped_key: 1 done, 0 left, 1 erased or empty")
    assert PersonKey.objects.get(person_ref="member:0").wrapped_key is None
    with pytest.raises(PersonErased):
        reveal("member:0", sealed["member:0"])


@pytest.mark.django_db
def test_value_that_no_key_opens_is_left_and_named_and_the_others_are_done(
    rotating: Callable[..., None],
) -> None:
    people(1)
    rotating(OTHER)
    seal("member:lost", "Awa")
    rotating(NEW, OLD)
    with pytest.raises(CommandError, match="1 values are not under the new key"):
        rotated()
    by_person = dict(PersonKey.objects.values_list("person_ref", "key_id"))
    assert by_person == {
        "member:0": key_id_of(bytes.fromhex(NEW)), "member:lost": key_id_of(bytes.fromhex(OTHER)),
    }  # fmt: skip


@pytest.mark.django_db
def test_check_counts_and_changes_nothing(rotating: Callable[..., None]) -> None:
    people(2)
    assert rotated("--check").startswith("core.PersonKey.wrapped_key: 0 done, 0 left")
    rotating(NEW, OLD)
    before = list(PersonKey.objects.order_by("pk").values())
    with pytest.raises(CommandError, match="2 values are not under the new key"):
        rotated("--check")
    assert list(PersonKey.objects.order_by("pk").values()) == before


# Health


@pytest.mark.django_db
def test_health_is_well_while_an_old_key_opens_what_is_left(
    rotating: Callable[..., None], now: datetime
) -> None:
    people(1)
    assert health(now) == HealthReport(OK, {"not_rotated": [], "unreadable": []})
    rotating(NEW, OLD)
    assert health(now) == HealthReport(OK, {"not_rotated": ["core.PersonKey.wrapped_key"], "unreadable": []})
    rotated()
    rotating(NEW)
    assert health(now) == HealthReport(OK, {"not_rotated": [], "unreadable": []})


@pytest.mark.django_db
@pytest.mark.parametrize("key_id", [key_id_of(bytes.fromhex(OLD)), ""])
def test_health_is_degraded_while_no_key_opens_what_is_left(
    rotating: Callable[..., None], now: datetime, key_id: str
) -> None:
    people(1)
    PersonKey.objects.update(key_id=key_id)
    rotating(NEW, OTHER)
    found = ["core.PersonKey.wrapped_key"]
    assert health(now) == HealthReport(DEGRADED, {"not_rotated": found, "unreadable": found})


# Every column


def _columns() -> list[EncryptedColumn]:
    found: list[EncryptedColumn] = collect("encrypted_columns", "ENCRYPTED_COLUMNS")
    return found


def test_every_column_that_names_its_master_key_is_rotated() -> None:
    naming = {
        model._meta.label
        for model in apps.get_models()
        if any(field.name == "key_id" for field in model._meta.concrete_fields)
    }
    assert {column.model for column in _columns()} == naming
    for column in _columns():
        model = apps.get_model(column.model)
        assert model._meta.get_field(column.column).get_internal_type() == "BinaryField"
        assert model._meta.get_field(column.bound_by)


def test_only_apps_with_encrypted_columns_seal_under_the_master_key() -> None:
    folders = {apps.get_model(column.model)._meta.app_config.path for column in _columns()}
    sealing = [file for file in sources() if re.search(r"\bseal_bytes\(", file.read_text())]
    assert len(sealing) > 1
    others = [file.name for file in sealing if not str(file).startswith(tuple(folders))]
    # Tokens of partners are in the cache, for an hour at most: there is nothing to encrypt again.
    assert others == ["tokens.py"]
