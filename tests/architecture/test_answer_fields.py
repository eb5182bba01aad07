"""Every answer and every message to the platform has exactly the fields of the committed table."""

import re
from collections.abc import Iterator
from typing import Any

from sunusav.api.documentation import openapi_document
from tests.architecture.access_table import ACCESS
from tests.architecture.answer_fields import ANSWERS, FIELDS
from tests.architecture.openapi import DESCRIBED, operation

JSON = "application/json"


def shown_answers() -> dict[tuple[str, str], dict[int, str]]:
    """Return what the document says each endpoint answers, in the form of the table."""
    return {
        (method, route): {
            int(status): _answer(response["content"])
            for status, response in operation(method, route)["responses"].items()
            if status.startswith("2")
        }
        for route in DESCRIBED
        for method in ACCESS[route]
    }


def shown_fields() -> dict[str, str]:
    """Return the fields of every answer that the document uses, nested ones included, in the form of the table."""
    known = openapi_document()["components"]["schemas"]
    waiting = [name for answers in shown_answers().values() for name in answers.values() if name in known]
    found: dict[str, str] = {}
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = " ".join(sorted(_shown(*field) for field in known[name]["properties"].items()))
            waiting += re.findall(r":(\w+)", found[name])
    return found


def _answer(content: dict[str, Any]) -> str:
    [(media_type, media)] = content.items()
    return _reference(media["schema"]) if media_type == JSON else media_type


def _shown(name: str, schema: dict[str, Any]) -> str:
    if schema.get("type") == "array" and (item := _reference(schema["items"])):
        return f"{name}[]:{item}"
    reference = _reference(schema)
    return f"{name}:{reference}" if reference else name


def _reference(schema: dict[str, Any]) -> str:
    """Return the component that a schema refers to; a nullable one is wrapped in `allOf`. Empty if there is none."""
    references = list(_references(schema))
    assert len(references) <= 1, schema
    return references[0] if references else ""


def _references(schema: dict[str, Any]) -> Iterator[str]:
    for one in (schema, *schema.get("allOf", ())):
        if "$ref" in one:
            yield one["$ref"].rpartition("/")[2]


def test_every_endpoint_answers_what_the_table_says() -> None:
    assert shown_answers() == ANSWERS


def test_every_answer_has_the_fields_of_the_table() -> None:
    assert shown_fields() == {name: " ".join(sorted(fields.split())) for name, fields in FIELDS.items()}
