"""Kinds of refusal. An app names each refusal for the fact it states and derives it from one of these kinds."""

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any, ClassVar, get_origin, get_type_hints

_WORD_START = re.compile(r"(?<!^)(?=[A-Z])")
# Facts may quote an untrusted host.
LONGEST_STORED_TEXT = 500


class DomainError(Exception):
    """A refusal with a stable code and its facts as attributes.

    Subclasses annotate their facts; raising takes exactly those, by keyword. The code is derived from the class's
    name; a class renamed after its code was published sets `code` itself.
    """

    code: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "code" not in cls.__dict__:
            cls.code = _WORD_START.sub("-", cls.__name__).lower()

    def __init__(self, **facts: Any) -> None:
        expected = self.fact_names()
        if set(facts) != expected:
            raise TypeError(f"{type(self).__name__} takes the facts {sorted(expected)}, not {sorted(facts)}")
        self.facts = facts
        for name, value in facts.items():
            setattr(self, name, value)
        super().__init__(self.code, facts)

    @classmethod
    @cache
    def fact_names(cls) -> frozenset[str]:
        """Return the names of the facts this refusal carries."""
        hints = get_type_hints(cls)
        return frozenset(name for name, hint in hints.items() if get_origin(hint) is not ClassVar)

    @property
    def stored_facts(self) -> dict[str, Any]:
        """The facts as JSON can hold them."""
        return {name: _stored(value) for name, value in self.facts.items()}

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.code}: {facts}" if facts else self.code


def _stored(value: Any) -> Any:
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _stored(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_stored(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)[:LONGEST_STORED_TEXT]


class Missing(DomainError):
    """What was named does not exist."""


class Conflict(DomainError):
    """The present state does not allow the request."""


class Invalid(DomainError):
    """The input can never be accepted as it is."""


class Forbidden(DomainError):
    """This actor may not do this."""


class Unavailable(DomainError):
    """Something we depend on is unavailable; the same request may succeed later."""

    retry_after_seconds: ClassVar[int] = 10
