"""Serializers of responses: each field is declared once, for the response and for its schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from sunusav.core.money import sats_from_msat


class AnswerSerializer(serializers.Serializer[Any]):
    """What an endpoint answers. Each field reads its value by its name, or by its `source`.

    A missing value raises AttributeError, and null raises ValueError where the field does not allow it. DRF itself
    would write a misspelled `source` as null.
    """

    def to_representation(self, instance: Any) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        for name, path, field in self._fields_with_paths:
            value = _value(instance, path)
            if value is None and not field.allow_null:
                raise ValueError(f"{name} of {type(self).__name__} must not be null")
            answer[name] = None if value is None else field.to_representation(value)
        return answer

    @cached_property
    def _fields_with_paths(self) -> list[tuple[str, list[str], Any]]:
        return [(name, field.source_attrs, field) for name, field in self.fields.items()]


class OptionalTextField(serializers.CharField):
    """Text that is null when it is empty or missing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> str | None:  # type: ignore[override]  # DRF never writes null here
        return str(value) or None


@extend_schema_field({"type": "string", "format": "decimal", "example": "8000000"})
class DecimalTextField(serializers.Field[Decimal, Any, str, Any]):
    """A decimal as text, exact, without an exponent and without trailing zeros."""

    def to_representation(self, value: Decimal) -> str:
        return format(value.normalize(), "f")


@extend_schema_field({"type": "string", "format": "decimal", "example": "7960.00"})
class XofTextField(serializers.Field[Decimal, Any, str, Any]):
    """An equivalent in francs as text, with all decimals it was rounded to."""

    def to_representation(self, value: Decimal) -> str:
        return format(value, "f")


@extend_schema_field({"type": "integer"})
class SatsFromMsatField(serializers.Field[int, Any, int, Any]):
    """An amount in whole sats, read from millisatoshi."""

    def to_representation(self, value: int) -> int:
        return sats_from_msat(value)


@dataclass(frozen=True)
class Page:
    """One page of a list, and the URL of the next one."""

    results: list[Any]
    next: str | None


class Combined:
    """Facts with more values, which take precedence over the facts' own."""

    def __init__(self, facts: Any, more: Mapping[str, Any]) -> None:
        self._facts, self._more = facts, more

    def __getattr__(self, name: str) -> Any:
        return self._more[name] if name in self._more else getattr(self._facts, name)


def write(answer: type[AnswerSerializer], facts: Any, **more: Any) -> dict[str, Any]:
    """Return the body of a response. `more` are values that the facts do not have."""
    return _writer(answer).to_representation(Combined(facts, more) if more else facts)


@cache
def page_serializer(answer: type[AnswerSerializer]) -> type[AnswerSerializer]:
    """Return the serializer of a page of these answers."""
    fields = {"results": answer(many=True), "next": serializers.URLField(allow_null=True)}
    page = type(f"{answer.__name__.removesuffix('Answer')}Page", (AnswerSerializer,), fields)
    return extend_schema_serializer(many=False)(page)


@cache
def _writer(answer: type[AnswerSerializer]) -> AnswerSerializer:
    """Build a serializer once: DRF copies every field for each instance, and writing keeps no state in it."""
    return answer()


def _value(facts: Any, path: list[str]) -> Any:
    """Return the value at a path of attributes or keys; a path through null is null."""
    for name in path:
        if facts is None:
            return None
        facts = facts[name] if isinstance(facts, dict) else getattr(facts, name)
    return facts
