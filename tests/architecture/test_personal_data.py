"""Every table that holds something of a person is in their export, or is named with the reason why it is not."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Field

from sunusav import app_list
from sunusav.core.app_modules import collect_mapping
from sunusav.core.person_export import PersonalSection, sections
from tests.architecture.code import ROOT

LABELS = {app.rpartition(".")[2] for app in app_list.production_apps()}
# Columns that hold a person's identifier, or one of something that may be theirs.
OF_PEOPLE = {
    "account_owner", "credit_owner", "debit_owner", "email", "facts", "from_owner", "holder", "into_owner", "key",
    "overpaid_owner", "owner", "payee", "payee_ref", "payload", "person_ref", "residue_owner", "subject", "subject_id",
    "to_owner", "user_id", "winner_ref", "winner_user_id",
}  # fmt: skip
# Most rows that refer to one of these are about no person.
NOT_FOLLOWED = {"core.User", "core.Proposal", "ledger.JournalTransaction"}
POLICY = ROOT / "docs" / "privacy.md"


def _models() -> list[type[Any]]:
    return [model for model in apps.get_models() if model._meta.app_label in LABELS]


def _names_people(model: type[Any]) -> bool:
    fields = [field for field in model._meta.concrete_fields if isinstance(field, Field)]
    return any(field.attname in OF_PEOPLE or field.get_internal_type() == "BinaryField" for field in fields)


def _refers_to(model: type[Any], labels: set[str]) -> bool:
    related = [field.related_model for field in model._meta.concrete_fields if field.is_relation]
    return any(other._meta.label in labels - NOT_FOLLOWED for other in related)


def _about_people() -> set[str]:
    """Return the tables with such a column, and those that refer to one of them, at any remove."""
    found = {model._meta.label for model in _models() if _names_people(model)}
    while more := {
        model._meta.label
        for model in _models()
        if model._meta.label not in found and _refers_to(model, found)
    }:
        found |= more
    return found


def _exported() -> set[str]:
    return {model for section in sections() for model in section.models}


def _not_exported() -> dict[str, str]:
    return collect_mapping("personal_data", "NOT_EXPORTED")


def test_every_table_about_people_is_exported_or_named_with_a_reason() -> None:
    listed = _exported() | set(_not_exported())
    assert (sorted(_about_people() - listed), sorted(listed - _about_people())) == ([], [])


def test_privacy_policy_lists_exactly_the_tables_about_people() -> None:
    listed = re.findall(r"^\| `(\w+\.\w+)` \|", POLICY.read_text(encoding="utf-8"), re.MULTILINE)
    assert (sorted(set(listed)), len(listed)) == (sorted(_about_people()), len(_about_people()))


def test_no_table_is_both_exported_and_left_out() -> None:
    assert _exported() & set(_not_exported()) == set()
    assert all(_not_exported().values())


def test_sections_of_one_name_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fees.personal_data.SECTIONS", [PersonalSection("trail", (), lambda _user_id: [])])
    with pytest.raises(ValueError, match=r"listed twice: \['trail'\]"):
        sections()
