"""Only a JSON object of one exact meaning is accepted as a body."""

import json
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.test import APIClient

from sunusav.api.parsers import StrictJSONParser
from sunusav.api.problems import BodyTooLarge

PUBLIC = "/monetization/public"


def _parse(body: bytes | str, media_type: str = "application/json") -> dict[str, Any]:
    raw = body.encode() if isinstance(body, str) else body
    return StrictJSONParser().parse(BytesIO(raw), media_type, {})


def test_parse_object_keeps_numbers_exact() -> None:
    read = _parse('{"a": 1, "b": 0.1, "c": 1e2, "d": [true, null, "é"]}')
    assert read == {"a": 1, "b": Decimal("0.1"), "c": Decimal(100), "d": [True, None, "é"]}
    assert type(read["a"]) is int
    assert type(read["b"]) is Decimal


@pytest.mark.parametrize(
    "body",
    [
        "", " ", "null", "1", '"a"', "[]", "[{}]", "true", "{", "{}}", "{'a': 1}", '{"a": 01}', '{"a": .5}',
        '{"a": NaN}', '{"a": Infinity}', '{"a": -Infinity}',
        '{"a": 1, "a": 1}', '{"b": {"a": 1, "a": 2}}', '{"b": [{"a": 1, "a": 2}]}',
        '{"a": 123456789012345678901}', '{"a": 1e31}', '{"a": 1e-31}', '{"a": 1e999999999}',
        '{"a": 0.' + "1" * 60 + "}",
        '{"a": "\\ud800"}', '{"\\udfff": 1}', '{"a": ["\\ud83d"]}',
        b'{"a": "\xff"}', b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00",
        '{"a": ' + "1" * 5_000 + "}",
    ],
)  # fmt: skip
def test_parse_of_ambiguous_or_inexact_json_is_refused(body: bytes | str) -> None:
    with pytest.raises(ParseError):
        _parse(body)


def test_parse_reads_twenty_levels_and_refuses_more() -> None:
    def nested(levels: int) -> str:
        return '{"a":' * levels + "1" + "}" * levels

    assert _parse(nested(20))
    for levels in (21, 1_000, 100_000):
        with pytest.raises(ParseError, match="20 levels"):
            _parse(nested(levels))
    with pytest.raises(ParseError, match="20 levels"):
        _parse('{"a":' + "[" * 200_000 + "]" * 200_000 + "}")


def test_parse_joins_a_whole_surrogate_pair() -> None:
    assert _parse('{"a": "\\ud83d\\ude00"}') == {"a": "😀"}


@pytest.mark.parametrize(
    "media_type", ["application/json; charset=latin-1", "application/json;charset=utf-16"]
)
def test_parse_refuses_other_character_sets(media_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        _parse("{}", media_type)


@pytest.mark.parametrize(
    "media_type", ["application/json; charset=UTF-8", 'application/json; charset="utf-8"']
)
def test_parse_accepts_utf8_by_its_names(media_type: str) -> None:
    assert _parse("{}", media_type) == {}


def test_parse_reads_no_more_than_the_limit(settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert _parse(json.dumps({"a": "x" * 91}))
    with pytest.raises(BodyTooLarge):
        _parse(json.dumps({"a": "x" * 92}))


@pytest.mark.django_db
@pytest.mark.urls("tests.api.views")
class TestThroughTheApi:
    def test_malformed_body_is_refused_with_the_position(self) -> None:
        response = APIClient().post(PUBLIC, b'{"a": }', content_type="application/json")
        assert (response.status_code, response.json()["code"]) == (400, "malformed-request")
        assert response.json()["detail"] == "The body is not acceptable JSON: Expecting value at character 6."

    def test_duplicate_key_is_refused(self) -> None:
        response = APIClient().post(PUBLIC, b'{"amount": 1, "amount": 2}', content_type="application/json")
        assert (response.status_code, response.json()["code"]) == (400, "malformed-request")

    @pytest.mark.parametrize(
        "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
    )
    def test_other_type_is_refused(self, kind: str) -> None:
        response = APIClient().post(PUBLIC, b"a=1", content_type=kind)
        assert (response.status_code, response.json()["code"]) == (415, "unsupported-media-type")

    def test_body_above_the_limit_is_refused(self, settings: Any) -> None:
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
        response = APIClient().post(PUBLIC, {"reason": "x" * 100})
        assert (response.status_code, response.json()["code"]) == (413, "body-too-large")

    def test_declared_length_above_the_limit_is_refused_without_reading(self) -> None:
        response = APIClient().post(PUBLIC, {"amount": 1}, CONTENT_LENGTH="1000000000")
        assert (response.status_code, response.json()["code"]) == (413, "body-too-large")

    def test_body_in_chunks_without_length_is_refused_rather_than_read_as_empty(self) -> None:
        client = APIClient(HTTP_TRANSFER_ENCODING="chunked")
        response = client.generic("POST", PUBLIC, "", content_type="application/json")
        assert (response.status_code, response.json()["code"]) == (411, "length-required")

    def test_body_that_is_missing_reads_as_empty(self) -> None:
        assert APIClient().post(PUBLIC).json() == {}
