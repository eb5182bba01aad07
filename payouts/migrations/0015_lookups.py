import unicodedata
from functools import partial
from typing import Any

import phonenumbers
from django.db import migrations

from sunusav.core.migration_sealing import MigratedKeys, in_batches

LOOKUP_KEY, TOKEN_DIGITS = "look-ups", 32
MEMBER_NAME, MEMBER_PHONE, GROUP_NAME = "member name", "member phone", "group name"
SHORTEST, LONGEST = 3, 10
APOSTROPHES = {ord(mark): None for mark in "'’‘ʼ`"}


def store_lookups(apps: Any, schema_editor: Any) -> None:
    """Store by what the people and groups that exist are found."""
    in_batches(apps.get_model("payouts", "Member").objects.all(), partial(_store_people, apps))
    in_batches(apps.get_model("payouts", "Group").objects.all(), partial(_store_groups, apps))


def _store_people(apps: Any, rows: list[Any]) -> None:
    people = {_person(row) for row in rows}
    known = apps.get_model("core", "PersonKey").objects.filter(
        person_ref__in=people, wrapped_key__isnull=False
    )
    readable = set(known.values_list("person_ref", flat=True))
    keys = MigratedKeys(apps, [*readable, LOOKUP_KEY])
    terms: set[tuple[str, str]] = set()
    for row in rows:
        person = _person(row)
        if person in readable:
            phone = keys.reveal(person, row.sealed_phone)
            terms |= {
                (person, term) for term in _name_terms(MEMBER_NAME, keys.reveal(person, row.sealed_name))
            }
            terms |= {(person, f"{MEMBER_PHONE}:{_international(phone)}")} if phone else set()
    _store(apps, keys, terms)


def _store_groups(apps: Any, rows: list[Any]) -> None:
    terms = {(f"group:{row.pk}", term) for row in rows for term in _name_terms(GROUP_NAME, row.name)}
    _store(apps, MigratedKeys(apps, [LOOKUP_KEY]), terms)


def _store(apps: Any, keys: MigratedKeys, terms: set[tuple[str, str]]) -> None:
    tokens = apps.get_model("core", "LookupToken")
    rows = [
        tokens(subject=subject, token=keys.digest(LOOKUP_KEY, term)[:TOKEN_DIGITS])
        for subject, term in sorted(terms)
    ]
    tokens.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)


def _person(row: Any) -> str:
    return f"member:{row.user_id}"


def _name_terms(kind: str, name: str) -> set[str]:
    plain = unicodedata.normalize("NFKD", name.translate(APOSTROPHES))
    kept = "".join(character for character in plain if not unicodedata.combining(character))
    spaced = "".join(character if character.isalnum() else " " for character in kept)
    words = [word for word in spaced.casefold().split() if len(word) > 1]
    return {f"{kind}:{prefix}" for word in words for prefix in _prefixes(word)}


def _prefixes(word: str) -> list[str]:
    if len(word) < SHORTEST:
        return [word]
    return [word[:length] for length in range(SHORTEST, min(len(word), LONGEST) + 1)]


def _international(phone: str) -> str:
    try:
        number = phonenumbers.parse(phone, "SN")
    except phonenumbers.NumberParseException:
        return phone
    if not phonenumbers.is_possible_number(number):
        return phone
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


class Migration(migrations.Migration):
    """Let people be found by name and phone, and groups by name.

    In batches, each in a transaction of its own: interrupted anywhere, it is run again, and stores nothing twice. Stop
    every process of ours first: one of the version before stores no look-ups.
    """

    atomic = False
    dependencies = [("payouts", "0014_keys_of_links"), ("core", "0009_lookup_tokens")]

    operations = [migrations.RunPython(store_lookups, migrations.RunPython.noop, atomic=False)]
