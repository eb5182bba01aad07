"""What a partner delivered, and what one needs to know of its dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol

from partners.enums import Authenticity


@dataclass(frozen=True)
class Delivery:
    """One request of a partner as it arrived: names of headers in lower case, the body byte for byte."""

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    path_token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Hint:
    """What a delivery names: each is empty where it names none. `reference` is one of ours, by its form.

    `event` is the partner's own name of the event, the same in each repetition.
    """

    event: str = ""
    kind: str = ""
    reference: str = ""
    transaction_id: str = ""


class PartnerWebhooks(Protocol):
    """The deliveries of one partner. `accepted_status` is our answer to one that was taken.

    `variables` are those of the environment that hold what proves one.
    """

    accepted_status: ClassVar[int]
    variables: ClassVar[tuple[str, ...]]

    def authenticity_of(self, delivery: Delivery, *, now: datetime) -> Authenticity | None:
        """Return what proves that a delivery is the partner's; None where nothing does, or nothing is configured."""
        ...

    def hint_in(self, body: bytes) -> Hint:
        """Return what a body names; an empty hint for one that we do not understand."""
        ...
