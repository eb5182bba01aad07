"""Find what must not be written where many read: destinations in trail and messages, personal data in log lines too."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Model

from payouts.models import Cycle, Member
from sunusav.core.models import OutboxMessage, TrailEntry
from sunusav.core.privacy import is_erased, reveal
from tests.support.opened import opened, payload_of
from transfers.models import (
    Attempt,
    Collection,
    DisbursementDestination,
    PaymentOrder,
    Receipt,
    WithdrawalLink,
)
from transfers.types import member_ref

# Shorter values, such as the initials of a name, occur in any text.
SHORTEST = 8
REQUESTS: list[tuple[type[Model], str]] = [(Collection, "payment_request")]
PROOFS: list[tuple[type[Model], str]] = [(Attempt, "proof"), (Receipt, "proof")]


def destinations() -> dict[str, str]:
    """Return every invoice and address that is stored, each with where it is stored."""
    sealed = {
        "Cycle": [one for row in Cycle.objects.all() for one in row.destinations],
        "DisbursementDestination": [row.destination for row in DisbursementDestination.objects.all()],
        "WithdrawalLink": [row.destination for row in WithdrawalLink.objects.all() if row.destination],
    }
    found = {
        opened(one).value: where
        for where, rows in sealed.items()
        for one in rows
        if not is_erased(one.person_ref)
    }
    orders = {payload_of(order): "PaymentOrder" for order in PaymentOrder.objects.all()}
    return _long(found | orders) | _stored(REQUESTS)


def private() -> dict[str, str]:
    """Return all that no log line may contain: destinations, preimages, names and phones of members."""
    people = {}
    for member in Member.objects.all():
        person = member_ref(member.user_id)
        people[reveal(person, bytes(member.sealed_name))] = f"name of {member.user_id}"
        people[reveal(person, bytes(member.sealed_phone))] = f"phone of {member.user_id}"
    return _long(people) | destinations() | _stored(PROOFS)


def require_no_destination_in_trail_or_messages() -> None:
    """Fail for a stored destination that a line of the trail or a message to the platform contains."""
    kept = destinations()
    for entry in TrailEntry.objects.order_by("pk"):
        _require_none_in(
            f"{entry.subject} {entry.reason} {_text(entry.facts)}", kept, f"trail: {entry.action}"
        )
    for message in OutboxMessage.objects.order_by("pk"):
        _require_none_in(_text(message.payload), kept, f"message: {message.topic}")


@contextmanager
def every_log_line() -> Iterator[list[str]]:
    """Collect what every logger writes with LOG_LEVEL=DEBUG, its tracebacks included.

    Loggers whose level our settings fix keep it. SQL is logged with its values, as it is with DEBUG=True.
    """
    lines: list[str] = []
    handler = _Lines(lines)
    with ExitStack() as stack:
        for logger in (logging.getLogger(), *_existing_loggers()):
            stack.enter_context(_watched(logger, handler))
        stack.callback(setattr, connection, "force_debug_cursor", connection.force_debug_cursor)
        connection.force_debug_cursor = True
        yield lines


def require_nothing_private_in(lines: list[str], *more: str) -> None:
    """Fail for a log line that contains something private that is stored, or one of these texts."""
    kept = private() | dict.fromkeys(more, "given by the test")
    for line in lines:
        _require_none_in(line, kept, "log")


def _stored(columns: list[tuple[type[Model], str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for model, column in columns:
        values = model._default_manager.values_list(column, flat=True)
        found |= dict.fromkeys(filter(None, values), f"{model.__name__}.{column}")
    return _long(found)


def _long(values: dict[str, str]) -> dict[str, str]:
    return {value: name for value, name in values.items() if len(value) >= SHORTEST}


def _text(facts: Any) -> str:
    return json.dumps(facts, ensure_ascii=False)


def _require_none_in(text: str, kept: dict[str, str], where: str) -> None:
    found = sorted({name for value, name in kept.items() if value in text})
    assert not found, f"{where} contains {found}: {text[:300]}"


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.NOTSET)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(f"{record.name} {self.format(record)}")


def _existing_loggers() -> list[logging.Logger]:
    known = logging.Logger.manager.loggerDict
    fixed: Mapping[str, Any] = settings.LOGGING.get("loggers", {})  # type: ignore[assignment]
    return [
        logger for name, logger in known.items() if isinstance(logger, logging.Logger) and name not in fixed
    ]


@contextmanager
def _watched(logger: logging.Logger, handler: logging.Handler) -> Iterator[None]:
    """Lower a logger's level to DEBUG; attach the handler to one that does not pass its lines on."""
    level = logger.level
    if level != logging.NOTSET:
        logger.setLevel(logging.DEBUG)
    is_passed_on = logger.parent is not None and logger.propagate
    if not is_passed_on:
        logger.addHandler(handler)
    try:
        yield
    finally:
        logger.setLevel(level)
        if not is_passed_on:
            logger.removeHandler(handler)
