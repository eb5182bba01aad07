"""The OpenAPI document, made from the declarations of the endpoints."""

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import Any, cast

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from sunusav.api.answers import page_serializer
from sunusav.api.endpoints import ONE_TIME_CODE, Endpoint
from sunusav.api.idempotency import HEADER, METHODS
from sunusav.api.pagination import CURSOR, MAX_PAGE_SIZE, PAGE_SIZE
from sunusav.api.problem_pages import page_of
from sunusav.api.problems import CONTENT_TYPE, INVALID_REQUEST, PROTOCOL_CODES, status_of

OneTimeCode = OpenApiParameter(
    ONE_TIME_CODE, str, OpenApiParameter.HEADER, description="A fresh one-time code."
)
_IDEMPOTENCY_KEY = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description="The same key and body get the same answer for 30 days; another body is refused.",
)
_PAGE = [
    OpenApiParameter(CURSOR, str, description="Where the page starts: the cursor in `next`."),
    OpenApiParameter(PAGE_SIZE, int, description=f"Rows of a page, at most {MAX_PAGE_SIZE}."),
]


class ProblemAnswer(serializers.Serializer[Any]):
    """A problem document (RFC 9457). The facts of the problem are members beside these."""

    type = serializers.CharField()
    code = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    next = serializers.CharField()
    request_id = serializers.CharField()


class ApiSchema(AutoSchema):
    """drf-spectacular's description of a view, taken from its endpoints."""

    @property
    def endpoint(self) -> Endpoint:
        return cast(Any, self.view).endpoint_of(self.method)  # type: ignore[no-any-return]

    def get_tags(self) -> list[str]:
        return [type(self.view).__module__.split(".")[0].replace("sunusav", "system")]

    def get_operation_id(self) -> str:
        return self.endpoint.operation_id

    def get_summary(self) -> str:
        return self.endpoint.summary

    def get_request_serializer(self) -> Any:
        return self.endpoint.body

    def get_response_serializers(self) -> Any:
        return {**_answers(self.endpoint), **_refusals(self.endpoint)}

    def get_examples(self) -> list[OpenApiExample]:
        declared = self.endpoint
        if declared.body is None or declared.example is None:
            return []
        return [OpenApiExample("request", value=dict(declared.example), request_only=True)]

    def get_override_parameters(self) -> list[Any]:
        declared = self.endpoint
        takes_key = self.method in METHODS and not declared.is_public
        return [
            *([_IDEMPOTENCY_KEY] if takes_key else []),
            *declared.parameters,
            *([declared.query] if declared.query else []),
            *(_PAGE if declared.is_read_by_pages else []),
        ]

    def get_auth(self) -> list[dict[str, list[Any]]]:
        return [] if self.endpoint.is_public else super().get_auth()


@cache
def openapi_document() -> dict[str, Any]:
    """Build the OpenAPI document of all routes, once per process."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    return dict(generator.get_schema(request=None, public=True))  # type: ignore[no-untyped-call]


def _answers(declared: Endpoint) -> dict[Any, OpenApiResponse]:
    if declared.media_type:
        return {
            (status, declared.media_type): OpenApiResponse(OpenApiTypes.STR) for status in declared.statuses
        }
    answer = declared.answer
    response = OpenApiResponse(page_serializer(answer) if answer and declared.paged else answer)
    return dict.fromkeys(declared.statuses, response)


def _refusals(declared: Endpoint) -> dict[Any, OpenApiResponse]:
    known = [(401, PROTOCOL_CODES[401]), (403, PROTOCOL_CODES[403]), (429, PROTOCOL_CODES[429])]
    known += [(400, INVALID_REQUEST)] if declared.reads_input else []
    known += [(status_of(problem), problem.code) for problem in declared.problems]
    by_status = groupby(sorted(known), key=lambda pair: pair[0])
    return {(status, CONTENT_TYPE): _refusal([code for _, code in pairs]) for status, pairs in by_status}


def _refusal(codes: Sequence[str]) -> OpenApiResponse:
    lines = [f"`{code}`: {page_of(code).title}" for code in codes]
    return OpenApiResponse(ProblemAnswer, description="\n\n".join(lines))
