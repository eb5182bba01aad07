"""Platform identifiers: which texts are valid, and that every engine compares them byte by byte."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from partners.models import Settlement
from sunusav.core.fields import validate_identifier
from sunusav.core.models import PersonKey, TrailEntry


@pytest.mark.parametrize("value", ["a", "cycle-123", "x" * 64, "Awa Diop", "été", "#1:a.b_c@d"])
def test_identifier_is_accepted(value: str) -> None:
    validate_identifier(value)


@pytest.mark.parametrize(
    "value", ["", " ", " a", "a ", "\u00a0a", "x" * 65, "a/b", "a\x00", "a\nb", "\u200b", "\u202ea"]
)
def test_identifier_is_refused(value: str) -> None:
    with pytest.raises(ValidationError):
        validate_identifier(value)


@pytest.mark.django_db
@pytest.mark.parametrize("other", ["cycle-É", "cycle-e", "Cycle-é", "cycle-ｅ"])
def test_database_compares_identifiers_byte_by_byte(other: str) -> None:
    PersonKey.objects.create(person_ref="cycle-é")
    PersonKey.objects.create(person_ref=other)
    assert PersonKey.objects.filter(person_ref=other).count() == 1
    assert PersonKey.objects.get(person_ref="cycle-é").person_ref == "cycle-é"


@pytest.mark.mariadb
@pytest.mark.django_db
def test_exact_columns_have_a_binary_collation() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT collation_name FROM information_schema.columns WHERE table_schema = DATABASE() "
            "AND table_name = %s AND column_name = 'subject'",
            [TrailEntry._meta.db_table],
        )
        assert cursor.fetchone() == ("utf8mb4_bin",)


@pytest.mark.mariadb
@pytest.mark.django_db
def test_exact_prefix_is_found_by_the_index() -> None:
    """Django's own `LIKE BINARY` would read every row."""
    found = TrailEntry.objects.filter(subject__startswith="cycle:_%")

    assert "LIKE cycle:" in str(found.query)
    assert "BINARY" not in str(found.query)


@pytest.mark.mariadb
@pytest.mark.django_db
def test_exact_prefix_distinguishes_case_and_takes_signs_as_they_are() -> None:
    """SQLite folds the case of ASCII here; what we look for by prefix has none."""
    for person in ("cycle:a", "Cycle:a", "cycle_a", "cycle:é"):
        PersonKey.objects.create(person_ref=person)

    found = {row.person_ref for row in PersonKey.objects.filter(person_ref__startswith="cycle:")}
    signs = {row.person_ref for row in PersonKey.objects.filter(person_ref__startswith="cycle_")}

    assert (found, signs) == ({"cycle:a", "cycle:é"}, {"cycle_a"})


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text", ["0.7359324312345678", "-240.0000000000000001", "123456789012345678901234.5"]
)
def test_exact_decimal_is_kept_on_every_engine(text: str) -> None:
    """SQLite keeps fifteen digits of a number."""
    row = closed_at(residue_xof=Decimal(text))
    assert Settlement.objects.get(pk=row.pk).residue_xof == Decimal(text)
    row.full_clean(exclude=["previous"], validate_constraints=False)


def closed_at(**fields: Any) -> Settlement:
    """Store a month in which nothing accrued."""
    moment = datetime(2026, 10, 1, tzinfo=UTC)
    facts: dict[str, Any] = dict.fromkeys(
        ("after_record_id", "through_record_id", "records", "accrued_sats", "carried_msat", "due_xof", "settled_msat",
         "residue_msat"), 0,
    )  # fmt: skip
    exact = dict.fromkeys(("accrued_xof", "carried_xof", "residue_xof"), Decimal(0))
    return Settlement.objects.create(
        **{
            **facts, **exact, "partner": "wave", "sequence": 1, "period_start": moment,
            "period_end": moment + timedelta(days=31), "state": "settled", "closed_at": moment,
            "completed_at": moment, **fields,
        }
    )  # fmt: skip
