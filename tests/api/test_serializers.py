"""Each field: the values it reads, refuses and writes."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from rest_framework.exceptions import ValidationError
from rest_framework.fields import Field

from sunusav.api import serializers as fields
from sunusav.core.money import MAX_SATS


def _refused(field: Field[Any, Any, Any, Any], value: Any) -> str:
    with pytest.raises(ValidationError) as refusal:
        field.run_validation(value)
    [detail] = refusal.value.detail
    return str(getattr(detail, "code", ""))


@pytest.mark.parametrize("value", [1, 100_000, MAX_SATS])
def test_sats_are_integers_in_range(value: int) -> None:
    assert fields.SatsField().run_validation(value) == value


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("1", "invalid"), (1.0, "invalid"), (Decimal(1), "invalid"), (True, "invalid"), ([1], "invalid"),
        ({}, "invalid"), ("", "invalid"), (0, "min_value"), (-1, "min_value"), (MAX_SATS + 1, "max_value"),
        (None, "null"),
    ],
)  # fmt: skip
def test_sats_not_an_integer_in_range_is_refused(value: Any, code: str) -> None:
    assert _refused(fields.SatsField(), value) == code


@pytest.mark.parametrize("value", [0, 1, "true", "false", [], "True"])
def test_boolean_of_another_type_is_refused(value: Any) -> None:
    assert _refused(fields.StrictBooleanField(), value) == "invalid"


@pytest.mark.parametrize(
    "field",
    [
        fields.StrictBooleanField(),
        fields.IdentifierField(),
        fields.UtcDateTimeField(),
        fields.DayField(),
        fields.XofField(),
        fields.FractionField(),
        fields.ReasonField(),
    ],
    ids=lambda field: type(field).__name__,
)
def test_null_is_refused(field: Field[Any, Any, Any, Any]) -> None:
    assert _refused(field, None) == "null"


@pytest.mark.parametrize("value", [True, False])
def test_boolean_is_read_unchanged(value: bool) -> None:
    assert fields.StrictBooleanField().run_validation(value) is value


@pytest.mark.parametrize("value", ["cycle-123", "a", "x" * 64, "Awa Diop", "ñandú", "A.b:c#d"])
def test_identifier_is_kept_byte_for_byte(value: str) -> None:
    assert fields.IdentifierField().run_validation(value) == value


def test_identifier_is_composed() -> None:
    assert fields.IdentifierField().run_validation("e\u0301te\u0301") == "été"


@pytest.mark.parametrize(
    "value", ["", " ", " a", "a ", "a/b", "x" * 65, "a\x00", "a\nb", "a\u202eb", "a\u200bb", "\t"]
)
def test_malformed_identifier_is_refused(value: str) -> None:
    assert _refused(fields.IdentifierField(), value) == "identifier"


@pytest.mark.parametrize("value", [1, True, ["a"]])
def test_identifier_of_another_type_is_refused(value: Any) -> None:
    assert _refused(fields.IdentifierField(), value) == "invalid"


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("0.005", "0.005"),
        (Decimal("0.005"), "0.005"),
        (0, "0"),
        (1, "1"),
        ("1", "1"),
        ("0.0000000001", "1E-10"),
    ],
)
def test_fraction_is_exact(value: Any, read: str) -> None:
    assert fields.FractionField().run_validation(value) == Decimal(read)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("1.01", "max_value"), ("-0.1", "min_value"), (0.5, "invalid"), (True, "invalid"), ("", "invalid"),
        ("0,5", "invalid"), ("1e-3", "invalid"), ("NaN", "invalid"), ("Infinity", "invalid"), (" 0.5", "invalid"),
        ("0.00000000001", "invalid"), ("٠.٥", "invalid"), (Decimal("1E-30"), "invalid"), ("--1", "invalid"),
    ],
)  # fmt: skip
def test_malformed_fraction_is_refused(value: Any, code: str) -> None:
    assert _refused(fields.FractionField(), value) == code


@pytest.mark.parametrize(
    ("value", "written"),
    [("0.0050", "0.005"), ("0", "0"), ("1.00", "1"), ("1E-7", "0.0000001"), ("100", "100")],
)
def test_fraction_is_written_as_a_plain_decimal_string(value: str, written: str) -> None:
    assert fields.FractionField().to_representation(Decimal(value)) == written


@pytest.mark.parametrize("value", ["2026-01-31T09:30:00Z", "2026-01-31T10:30:00+01:00", "2026-01-31 09:30Z"])
def test_moment_is_read_in_utc(value: str) -> None:
    read = fields.UtcDateTimeField().run_validation(value)
    assert read == datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-31T09:30:00",
        "2026-01-31",
        "now",
        "",
        1769851800,
        "2026-02-30T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_moment_without_offset_or_malformed_is_refused(value: Any) -> None:
    assert _refused(fields.UtcDateTimeField(), value) == "invalid"


@pytest.mark.parametrize(
    "value", ["20260131", "2026-W05-6", "2026-1-31", "2026-02-30", "2026-01-31T00:00:00Z", "", 20260131]
)
def test_day_that_is_malformed_or_does_not_exist_is_refused(value: Any) -> None:
    assert _refused(fields.DayField(), value) == "invalid"


def test_day_is_read_and_written_alike() -> None:
    read = fields.DayField().run_validation("2026-01-31")
    assert read == date(2026, 1, 31)
    assert fields.DayField().to_representation(read) == "2026-01-31"


def test_moment_is_written_with_z() -> None:
    dakar_winter = datetime(2026, 1, 31, 9, 30, tzinfo=timezone(timedelta(hours=1)))
    assert fields.UtcDateTimeField().to_representation(dakar_winter) == "2026-01-31T08:30:00Z"


@pytest.mark.parametrize("value", [1, 500, 10**12])
def test_francs_are_whole(value: int) -> None:
    assert fields.XofField().run_validation(value) == value


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (0, "min_value"),
        (-5, "min_value"),
        ("500", "invalid"),
        (Decimal("500.0"), "invalid"),
        (10**12 + 1, "max_value"),
    ],
)
def test_francs_not_whole_and_positive_are_refused(value: Any, code: str) -> None:
    assert _refused(fields.XofField(), value) == code


def test_reason_is_trimmed_and_composed() -> None:
    assert fields.ReasonField().run_validation("  re\u0301glé\n\nhier ") == "réglé\n\nhier"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "blank"),
        (" \n ", "blank"),
        ("x" * 501, "max_length"),
        ("a\x00b", "control"),
        (3, "invalid"),
        ("\x1b[31m", "control"),
    ],
)
def test_unreadable_reason_is_refused(value: Any, code: str) -> None:
    assert _refused(fields.ReasonField(), value) == code
