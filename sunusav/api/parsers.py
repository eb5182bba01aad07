"""A strict JSON parser: one meaning per body, exact numbers, bounded work."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from sunusav.api.problems import BodyTooLarge

MAX_DEPTH = 20
MAX_INTEGER_DIGITS = 20
MAX_DECIMAL_CHARACTERS = 40
MAX_DECIMAL_EXPONENT = 30


class StrictJSONParser(BaseParser):
    """Parse a JSON object: UTF-8, no duplicate keys, no NaN, decimals exact, size and depth bounded."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the body. Raises: BodyTooLarge, UnsupportedMediaType, ParseError."""
        _refuse_other_charsets(media_type or "")
        text = _decoded(_limited(stream, parser_context or {}))
        body = _loaded(text)
        if not isinstance(body, dict):
            raise ParseError("The body must be a JSON object.")
        _refuse_deep_or_broken(body)
        return body


def _refuse_other_charsets(media_type: str) -> None:
    _, _, parameters = media_type.lower().partition("charset=")
    if parameters and parameters.strip("\"' ;") not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType(media_type, detail="JSON is read in UTF-8 only.")


def _limited(stream: IO[bytes], context: Mapping[str, Any]) -> bytes:
    limit = int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    request = context.get("request")
    declared = request.META.get("CONTENT_LENGTH") if request is not None else None
    if declared and int(declared) > limit:
        raise BodyTooLarge
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise BodyTooLarge
    return body


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise ParseError("The body is not UTF-8.") from None


def _loaded(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"The body is not acceptable JSON: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return f"it is nested deeper than {MAX_DEPTH} levels."
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos}."
    return str(error)


def _refuse_deep_or_broken(body: dict[str, Any]) -> None:
    """Walk level by level. Raises: ParseError for a body that is nested too deeply or holds half a surrogate pair."""
    level: list[Any] = [body]
    for _ in range(MAX_DEPTH + 1):
        level = [below for item in level for below in _below(item)]
        if not level:
            return
    raise ParseError(f"The body is nested deeper than {MAX_DEPTH} levels.")


def _below(item: Any) -> Iterable[Any]:
    if isinstance(item, dict):
        return [*item, *item.values()]
    if isinstance(item, list):
        return item
    if isinstance(item, str) and not item.isascii():
        _refuse_surrogates(item)
    return ()


def _refuse_surrogates(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ParseError("The body holds half of a surrogate pair.") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice in one object.")
    return found


def _integer(digits: str) -> int:
    if len(digits) > MAX_INTEGER_DIGITS:
        raise ValueError(f"an integer has more than {MAX_INTEGER_DIGITS} digits.")
    return int(digits)


def _decimal(text: str) -> Decimal:
    number = Decimal(text) if len(text) <= MAX_DECIMAL_CHARACTERS else None
    if number is None or abs(number.adjusted()) > MAX_DECIMAL_EXPONENT:
        raise ValueError("a number is too long, too large or too small.")
    return number


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_decimal, parse_constant=_constant
)
