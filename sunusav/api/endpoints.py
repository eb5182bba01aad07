"""The declaration of an endpoint, stated once above its method."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, TypeVar, cast

from drf_spectacular.utils import OpenApiParameter
from rest_framework.serializers import Serializer

from sunusav.api.answers import AnswerSerializer
from sunusav.api.permissions import PUBLIC, Permission
from sunusav.core.errors import DomainError

Method = TypeVar("Method", bound=Callable[..., Any])
# The request header with a person's one-time code.
ONE_TIME_CODE = "X-OTP"


@dataclass(frozen=True, eq=False)
class Endpoint:
    """A decorator that declares what a method of an `ApiView` requires, reads and answers.

    The view checks `permission`, reads `body` and `query`, and writes `answer` by this declaration, and
    /openapi.json is made from it, so behaviour and documentation cannot differ. The first of `statuses` is the
    default. With `paged`, the answer is a page of `answer`; with `has_page`, it contains one, and `next`. With
    `media_type`, it is a text of that type.
    """

    summary: str
    _: KW_ONLY
    operation_id: str
    permission: Permission
    body: type[Serializer[Any]] | None = None
    query: type[Serializer[Any]] | None = None
    answer: type[AnswerSerializer] | None = None
    statuses: tuple[int, ...] = (200,)
    problems: Sequence[type[DomainError]] = ()
    example: Mapping[str, Any] | None = None
    paged: bool = False
    has_page: bool = False
    media_type: str = ""
    parameters: Sequence[OpenApiParameter] = ()

    def __call__(self, method: Method) -> Method:
        cast(Any, method).endpoint = self
        return method

    @property
    def is_public(self) -> bool:
        return self.permission is PUBLIC

    @property
    def is_read_by_pages(self) -> bool:
        """Return whether the query string names a page."""
        return self.paged or self.has_page

    @property
    def reads_input(self) -> bool:
        """Return whether a request can be refused because of its body or query string."""
        return self.body is not None or self.query is not None or self.is_read_by_pages
