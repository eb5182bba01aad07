"""Strict fields of request bodies and query strings: exact in money, explicit in time.

In a query string integers and booleans arrive as text; only there is text accepted for them.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from sunusav.core.fields import IDENTIFIER_LENGTH, validate_identifier
from sunusav.core.money import MAX_SATS

FROM_QUERY = "from_query"
MAX_XOF = 10**12
REASON_LENGTH = 500
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FRACTION = re.compile(r"[0-9]{1,3}(\.[0-9]{1,10})?")


class StrictSerializer(serializers.Serializer[Any]):
    """A body or query string in which an unknown field is refused, by name."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := set(data) - self._writable_names):
            known = ", ".join(sorted(self._writable_names)) or "none"
            message = f"Unknown field. Known: {known}."
            raise ValidationError({name: [ErrorDetail(message, code="unknown")] for name in sorted(unknown)})
        return super().to_internal_value(data)

    @cached_property
    def _writable_names(self) -> set[str]:
        return {name for name, field in self.fields.items() if not field.read_only}


@extend_schema_field({"type": "integer"})
class StrictIntegerField(serializers.Field[int, Any, int, Any]):
    """A JSON integer: no text, no decimals, no booleans."""

    default_error_messages = {
        "invalid": "An integer is required, without quotes or decimals.",
        "min_value": "At least {min_value} is required.",
        "max_value": "At most {max_value} is accepted.",
    }

    def __init__(self, *, min_value: int = 0, max_value: int = 10**15, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.min_value, self.max_value = min_value, max_value

    def to_internal_value(self, data: Any) -> int:
        if self.context.get(FROM_QUERY) and isinstance(data, str) and _INTEGER.fullmatch(data):
            data = int(data)
        if type(data) is not int:
            self.fail("invalid")
        if data < self.min_value:
            self.fail("min_value", min_value=self.min_value)
        if data > self.max_value:
            self.fail("max_value", max_value=self.max_value)
        return int(data)

    def to_representation(self, value: Any) -> int:
        return int(value)


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": MAX_SATS})
class SatsField(StrictIntegerField):
    """An amount in satoshi, at least one and at most all the bitcoin that can exist."""

    def __init__(self, *, min_value: int = 1, max_value: int = MAX_SATS, **kwargs: Any) -> None:
        super().__init__(min_value=min_value, max_value=max_value, **kwargs)


@extend_schema_field({"type": "integer", "minimum": 1})
class XofField(StrictIntegerField):
    """An amount in whole CFA francs."""

    def __init__(self, *, min_value: int = 1, max_value: int = MAX_XOF, **kwargs: Any) -> None:
        super().__init__(min_value=min_value, max_value=max_value, **kwargs)


@extend_schema_field({"type": "boolean"})
class StrictBooleanField(serializers.Field[bool, Any, bool, Any]):
    """A JSON boolean: `true` or `false`."""

    default_error_messages = {"invalid": "true or false is required."}

    def to_internal_value(self, data: Any) -> bool:
        if self.context.get(FROM_QUERY) and data in ("true", "false"):
            return bool(data == "true")
        if not isinstance(data, bool):
            self.fail("invalid")
        return bool(data)

    def to_representation(self, value: Any) -> bool:
        return bool(value)


@extend_schema_field({"type": "string"})
class TextField(serializers.Field[str, Any, str, Any]):
    """Text on one or more lines, composed (NFC), without outer blanks and control characters."""

    default_error_messages = {
        "invalid": "Text is required.",
        "blank": "This may not be empty.",
        "max_length": "At most {max_length} characters are accepted.",
        "control": "Control characters are not accepted.",
    }

    def __init__(self, *, max_length: int = 200, allow_blank: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_length, self.allow_blank = max_length, allow_blank

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = unicodedata.normalize("NFC", data).strip()
        if not text and not self.allow_blank:
            self.fail("blank")
        if len(text) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text.replace("\n", "")):
            self.fail("control")
        return text

    def to_representation(self, value: Any) -> str:
        return str(value)


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": REASON_LENGTH})
class ReasonField(TextField):
    """The reason of an action, which people read later."""

    def __init__(self, *, max_length: int = REASON_LENGTH, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": IDENTIFIER_LENGTH, "pattern": "^[^/]+$"})
class IdentifierField(serializers.Field[str, Any, str, Any]):
    """A platform identifier: up to 64 characters, case-sensitive, composed (NFC), no slash."""

    max_length = IDENTIFIER_LENGTH
    default_error_messages = {"invalid": "Text is required."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = unicodedata.normalize("NFC", data)
        try:
            validate_identifier(text)
        except DjangoValidationError as error:
            raise ValidationError(error.message, code="identifier") from None
        return text

    def to_representation(self, value: Any) -> str:
        return str(value)


@extend_schema_field({"type": "string", "format": "decimal", "example": "0.005"})
class FractionField(serializers.Field[Decimal, Any, str, Any]):
    """A fraction, exact: `"0.005"` is half a percent.

    It is read from a decimal string or a JSON number, and written as a string.
    """

    default_error_messages = {
        "invalid": 'A decimal such as "0.005" is required.',
        "min_value": "At least {min_value} is required.",
        "max_value": "At most {max_value} is accepted.",
    }

    def __init__(
        self, *, min_value: Decimal = Decimal(0), max_value: Decimal = Decimal(1), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.min_value, self.max_value = min_value, max_value

    def to_internal_value(self, data: Any) -> Decimal:
        number = self._read(data)
        if number < self.min_value:
            self.fail("min_value", min_value=self.min_value)
        if number > self.max_value:
            self.fail("max_value", max_value=self.max_value)
        return number

    def to_representation(self, value: Any) -> str:
        return format(Decimal(value).normalize(), "f")

    def _read(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, str | int | Decimal):
            self.fail("invalid")
        text = format(data, "f") if isinstance(data, Decimal) else str(data)
        if not _FRACTION.fullmatch(text.removeprefix("-")):
            self.fail("invalid")
        return Decimal(text)


@extend_schema_field({"type": "string", "format": "date-time", "example": "2026-01-31T09:30:00Z"})
class UtcDateTimeField(serializers.Field[datetime, Any, str, Any]):
    """A moment in ISO 8601, read with any offset and written in UTC with `Z`."""

    default_error_messages = {
        "invalid": "A moment such as 2026-01-31T09:30:00Z is required, with its offset."
    }

    def to_internal_value(self, data: Any) -> datetime:
        moment = _moment(data) if isinstance(data, str) else None
        if moment is None:
            self.fail("invalid")
        return moment

    def to_representation(self, value: Any) -> str:
        return utc_text(value)


@extend_schema_field({"type": "string", "format": "date", "example": "2026-01-31"})
class DayField(serializers.Field[date, Any, str, Any]):
    """A day in ISO 8601."""

    default_error_messages = {"invalid": "A day such as 2026-01-31 is required."}

    def to_internal_value(self, data: Any) -> date:
        day = _day(data) if isinstance(data, str) else None
        if day is None:
            self.fail("invalid")
        return day

    def to_representation(self, value: date) -> str:
        return value.isoformat()


class ChoiceOf(serializers.Field[str, Any, str, Any]):
    """One of a few codes."""

    default_error_messages = {"invalid": "One of {choices} is required."}

    def __init__(self, choices: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.choices = tuple(choices)
        describe = extend_schema_field({"type": "string", "enum": list(self.choices)})
        describe(self)  # type: ignore[type-var]  # drf-spectacular also describes instances

    def to_internal_value(self, data: Any) -> str:
        if data not in self.choices:
            self.fail("invalid", choices=", ".join(self.choices))
        return str(data)

    def to_representation(self, value: Any) -> str:
        return str(value)


class NothingBody(StrictSerializer):
    """An empty body: none at all, or `{}`."""


class ReasonBody(StrictSerializer):
    """The reason of an action."""

    reason = ReasonField()


def utc_text(moment: datetime) -> str:
    """Write a moment in UTC with `Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _day(text: str) -> date | None:
    try:
        return parse_date(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
        return moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
