"""How a method is described in /openapi.json: what goes in, what comes out, and each refusal by name."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from itertools import groupby
from typing import Any, TypeVar

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers

from sunusav.api.idempotency import HEADER, METHODS
from sunusav.api.pagination import CURSOR, MAX_PAGE_SIZE, PAGE_SIZE
from sunusav.api.problem_pages import page_of
from sunusav.api.problems import CONTENT_TYPE, INVALID_REQUEST, PROTOCOL_CODES, status_of
from sunusav.core.errors import DomainError

_WORD_START = re.compile(r"(?<!^)(?=[A-Z])")
Method = TypeVar("Method", bound=Callable[..., Any])
Shape = type[serializers.Serializer[Any]]
OneTimeCode = OpenApiParameter("X-OTP", str, OpenApiParameter.HEADER, description="A fresh one-time code.")
_PAGE = [
    OpenApiParameter(CURSOR, str, description="Where to go on: the one in `next`."),
    OpenApiParameter(PAGE_SIZE, int, description=f"Rows of a page, at most {MAX_PAGE_SIZE}."),
]


class ProblemShape(serializers.Serializer[Any]):
    """A problem document (RFC 9457); the facts of the problem stand beside these members."""

    type = serializers.CharField()
    code = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    next = serializers.CharField()
    request_id = serializers.CharField()


def documented(
    summary: str,
    *,
    body: Shape | None = None,
    query: Shape | None = None,
    answer: Shape | None = None,
    statuses: Sequence[int] = (200,),
    problems: Sequence[type[DomainError]] = (),
    example: dict[str, Any] | None = None,
    paged: bool = False,
    media: str = "",
    parameters: Sequence[OpenApiParameter] = (),
) -> Callable[[Method], Method]:
    """Describe a method of an `ApiView`: its shapes, its statuses and the refusals it raises.

    `paged` says that the answer is a page of `answer`; `media`, that it is no JSON but a text of that type.
    """
    described = {
        **{
            (status, media) if media else status: _answer(
                OpenApiTypes.STR if media else answer, example if body is None else None, paged=paged
            )
            for status in statuses
        },
        **_refusals(problems, reads=body is not None or query is not None or paged),
    }
    return extend_schema(
        summary=summary,
        request=body,
        parameters=[*parameters, *([query] if query else []), *(_PAGE if paged else [])],
        responses=described,
        examples=[OpenApiExample("request", value=example, request_only=True)] if body and example else None,
    )


class ApiSchema(AutoSchema):
    """drf-spectacular's description of a view, with what holds for all of ours."""

    def get_tags(self) -> list[str]:
        return [type(self.view).__module__.split(".")[0].replace("sunusav", "system")]

    def get_operation_id(self) -> str:
        """Return the view's name and the method: both are ours to keep unique and stable."""
        words = _WORD_START.sub("_", type(self.view).__name__).lower()
        return f"{words}_{self.method.lower()}"

    def get_override_parameters(self) -> list[Any]:
        if self.method not in METHODS or getattr(self.view, "public", False):
            return []
        text = "The same key and body get the same answer for 30 days; another body is refused."
        return [OpenApiParameter(HEADER, str, OpenApiParameter.HEADER, description=text)]

    def get_auth(self) -> list[dict[str, list[Any]]]:
        return [] if getattr(self.view, "public", False) else super().get_auth()


@cache
def openapi_document() -> dict[str, Any]:
    """Build the OpenAPI document of all routes, once per process."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    return dict(generator.get_schema(request=None, public=True))  # type: ignore[no-untyped-call]


def _answer(
    shape: Shape | OpenApiTypes | None, example: dict[str, Any] | None, *, paged: bool
) -> OpenApiResponse:
    examples = [OpenApiExample("answer", value=example, response_only=True)] if example else []
    if paged and shape is not None and not isinstance(shape, OpenApiTypes):
        return OpenApiResponse(_page_of(shape), examples=examples)
    return OpenApiResponse(shape, examples=examples)


def _page_of(shape: Shape) -> serializers.Serializer[Any]:
    fields = {"results": shape(many=True), "next": serializers.URLField(allow_null=True)}
    return inline_serializer(f"{shape.__name__.removesuffix('Shape')}Page", fields)


def _refusals(problems: Sequence[type[DomainError]], *, reads: bool) -> dict[Any, OpenApiResponse]:
    known = [(401, PROTOCOL_CODES[401]), (403, PROTOCOL_CODES[403]), (429, PROTOCOL_CODES[429])]
    known += [(400, INVALID_REQUEST)] if reads else []
    known += [(status_of(problem), problem.code) for problem in problems]
    by_status = groupby(sorted(known), key=lambda pair: pair[0])
    return {(status, CONTENT_TYPE): _refusal([code for _, code in pairs]) for status, pairs in by_status}


def _refusal(codes: Sequence[str]) -> OpenApiResponse:
    lines = [f"`{code}`: {page_of(code).title}" for code in codes]
    return OpenApiResponse(ProblemShape, description="\n\n".join(lines))
