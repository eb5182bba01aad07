"""Match a provider's statement with our attempts. Reads only; people look into differences."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from transfers.enums import OPEN_ATTEMPT_STATES, AttemptState
from transfers.models import Attempt
from transfers.rails import rail
from transfers.types import ProviderPayment


@dataclass(frozen=True)
class Mismatch:
    """One payment on which provider and books differ."""

    reference: str
    detail: str


def match_rail(rail_name: str) -> list[Mismatch]:
    """Match a rail's whole statement with our attempts, in both directions, while payments go on.

    Our states are read before the statement, for what it must contain, and our attempts after it, for what must explain
    it: so a payment that moves meanwhile is no mismatch. Raises: RailUnavailable.
    """
    before = dict(Attempt.objects.filter(order__rail=rail_name).values_list("pk", "state"))
    statement = {line.reference: line for line in rail(rail_name).statement()}
    ours = _attempts_by_reference(rail_name)
    return [
        *_missing_in_books(statement.values(), ours, before),
        *_missing_in_statement(statement, ours, before),
    ]


def _attempts_by_reference(rail_name: str) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = {}
    for attempt in Attempt.objects.filter(order__rail=rail_name).select_related("order").order_by("number"):
        found.setdefault(attempt.order.reference, []).append(attempt)
    return found


def _missing_in_books(
    statement: Iterable[ProviderPayment], ours: dict[str, list[Attempt]], before: dict[int, str]
) -> Iterator[Mismatch]:
    for line in statement:
        attempts = ours.get(line.reference, [])
        if line.is_paid:
            yield from _judge_paid(line, attempts)
        elif line.is_open and not any(_was_open(attempt, before) for attempt in attempts):
            yield Mismatch(line.reference, "under way at the provider, but no open attempt of ours")


def _was_open(attempt: Attempt, before: dict[int, str]) -> bool:
    """Return whether an attempt was open when the statement began, or was opened while it was read."""
    return before.get(attempt.pk, AttemptState.PREPARED) in OPEN_ATTEMPT_STATES


def _judge_paid(line: ProviderPayment, attempts: list[Attempt]) -> Iterator[Mismatch]:
    paid = [attempt for attempt in attempts if attempt.state == AttemptState.SUCCEEDED]
    waiting = [attempt for attempt in attempts if attempt.state in OPEN_ATTEMPT_STATES]
    if not paid and not waiting:
        yield Mismatch(line.reference, f"paid at the provider ({line.amount_msat} msat), not in the books")
    for attempt in paid:
        if (attempt.order.amount_msat, attempt.cost_msat) != (line.amount_msat, line.cost_msat):
            reported = f"provider {line.amount_msat}+{line.cost_msat} msat"
            in_books = f"books {attempt.order.amount_msat}+{attempt.cost_msat}"
            yield Mismatch(line.reference, f"{reported}, {in_books}")


def _missing_in_statement(
    statement: dict[str, ProviderPayment], ours: dict[str, list[Attempt]], before: dict[int, str]
) -> Iterator[Mismatch]:
    for reference, attempts in ours.items():
        line = statement.get(reference)
        was_paid = any(before.get(attempt.pk) == AttemptState.SUCCEEDED for attempt in attempts)
        if was_paid and not (line and line.is_paid):
            yield Mismatch(reference, "paid in the books, not at the provider")
