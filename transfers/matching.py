"""Match a provider's statement with our attempts, in both directions. Reads only; people look into differences."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from django.db.models import Exists, OuterRef, QuerySet

from sunusav.core.auditing import pages
from transfers.enums import (
    LIVE_ATTEMPT_STATES,
    OPEN_ATTEMPT_STATES,
    AttemptState,
    DisbursementState,
    MismatchCode,
)
from transfers.models import Attempt, ResolvedAttempt
from transfers.rails import rail
from transfers.types import ProviderPayment

LINES_AT_A_TIME: Final = 500
# What moved this shortly before the start, or since, is judged by the next run: a row may be committed some time after
# the moment that it bears.
MOVING: Final = timedelta(minutes=1)
# What a report keeps; a longer list would add nothing: it is the wrong node or a restored database.
MOST_KEPT: Final = 500
# Orders are long; these columns are all that is compared.
COLUMNS: Final = (
    "state", "disbursement_id", "seen_at", "closed_at", "cost", "order__reference", "order__amount",
    "order__currency", "order__give_up_after", "disbursement__state",
)  # fmt: skip


@dataclass(frozen=True)
class Mismatch:
    """One payment on which provider and books differ: a `MismatchCode` with its facts."""

    reference: str
    code: MismatchCode
    facts: dict[str, Any] = field(default_factory=dict)
    disbursement_id: int | None = None


@dataclass
class MatchReport:
    """What one run read and found. `mismatches` has the first ones, `mismatches_found` counts all."""

    rail: str
    started_at: datetime
    lines_read: int = 0
    attempts_read: int = 0
    mismatches_found: int = 0
    mismatches: list[Mismatch] = field(default_factory=list)

    def add(self, found: Iterable[Mismatch]) -> None:
        for mismatch in found:
            self.mismatches_found += 1
            if len(self.mismatches) < MOST_KEPT:
                self.mismatches.append(mismatch)


def match_rail(rail_name: str, *, now: datetime) -> MatchReport:
    """Match a rail's whole statement with our attempts while payments go on, a page of either at a time.

    A line is judged by attempts that are read after it, an attempt by what had become of it before the start (`now`):
    so a payment that moves meanwhile is no mismatch. Kept between the directions is only which attempts were listed.
    Raises: RailUnavailable.
    """
    report, listed, settled_before = MatchReport(rail_name, now), _Listed(), now - MOVING
    for lines in _in_pages(rail(rail_name).statement()):
        report.lines_read += len(lines)
        report.add(_judge_lines(lines, _attempts_named_in(lines, rail_name), listed, settled_before))
    for attempts in pages(_expected(rail_name)):
        report.attempts_read += len(attempts)
        report.add(_judge_attempts(attempts, listed, settled_before))
    return report


class _Marks:
    """A set of primary keys, one bit for each: a million attempts take 125 kB."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, key: int) -> None:
        missing = key // 8 + 1 - len(self._bits)
        if missing > 0:
            self._bits.extend(bytes(missing))
        self._bits[key // 8] |= 1 << key % 8

    def __contains__(self, key: int) -> bool:
        return key // 8 < len(self._bits) and bool(self._bits[key // 8] & 1 << key % 8)


class _Listed:
    """The attempts whose reference the statement has in any state, and those it has as paid."""

    def __init__(self) -> None:
        self.at_all, self.as_paid = _Marks(), _Marks()

    def note(self, line: ProviderPayment, attempts: Iterable[Attempt]) -> None:
        for attempt in attempts:
            self.at_all.add(attempt.pk)
            if line.is_paid or line.is_reversed:
                self.as_paid.add(attempt.pk)


def _in_pages(lines: Iterable[ProviderPayment]) -> Iterator[list[ProviderPayment]]:
    remaining = iter(lines)
    while page := list(islice(remaining, LINES_AT_A_TIME)):
        yield page


def _attempts(rail_name: str) -> QuerySet[Attempt]:
    return (
        Attempt.objects.filter(order__rail=rail_name).select_related("order", "disbursement").only(*COLUMNS)
    )


def _with_write_offs(attempts: QuerySet[Attempt]) -> Any:
    """Annotate `is_written_off`: its payment is in the books as a loss."""
    written_off = ResolvedAttempt.objects.filter(written_off_attempt=OuterRef("pk"))
    return attempts.annotate(is_written_off=Exists(written_off))


def _expected(rail_name: str) -> QuerySet[Attempt]:
    """Return the live attempts, which a statement should have, without those whose order two people decided."""
    decided = ResolvedAttempt.objects.filter(attempt__order=OuterRef("order"), transaction=None)
    return _attempts(rail_name).filter(~Exists(decided), state__in=LIVE_ATTEMPT_STATES)


def _attempts_named_in(lines: Sequence[ProviderPayment], rail_name: str) -> dict[str, list[Attempt]]:
    references = {line.reference for line in lines}
    found: dict[str, list[Attempt]] = defaultdict(list)
    named = _with_write_offs(_attempts(rail_name)).filter(order__reference__in=references)
    for attempt in named.order_by("pk"):
        found[attempt.order.reference].append(attempt)
    return found


def _judge_lines(
    lines: Sequence[ProviderPayment],
    ours: dict[str, list[Attempt]],
    listed: _Listed,
    settled_before: datetime,
) -> Iterator[Mismatch]:
    for line in lines:
        attempts = ours.get(line.reference, [])
        if line.is_reversed:
            yield from _judge_reversed(line, attempts)
        elif line.is_paid:
            yield from _judge_paid(line, attempts, listed)
        elif line.is_open and not any(_was_open(attempt, settled_before) for attempt in attempts):
            yield _mismatch(line, MismatchCode.OPEN_NOT_BOOKED, attempts, amount=line.amount.amount)
        listed.note(line, attempts)


def _was_open(attempt: Attempt, settled_before: datetime) -> bool:
    """Return whether an attempt is open, or may have been when its line was read."""
    return attempt.closed_at is None or attempt.closed_at >= settled_before


def _judge_paid(line: ProviderPayment, attempts: list[Attempt], listed: _Listed) -> Iterator[Mismatch]:
    paid = [attempt for attempt in attempts if _is_booked(attempt)]
    if not paid and not any(attempt.state in OPEN_ATTEMPT_STATES for attempt in attempts):
        yield _mismatch(line, MismatchCode.PAID_NOT_BOOKED, attempts, amount=line.amount.amount)
    for attempt in paid:
        cost = line.cost.amount if line.cost is not None else None
        if line.amount.amount != attempt.order.amount or _is_another_cost(cost, attempt.cost):
            facts = {
                "amount": line.amount.amount, "cost": cost, "booked": attempt.order.amount, "booked_cost": attempt.cost,
            }  # fmt: skip
            yield _mismatch(line, MismatchCode.AMOUNTS_DIFFER, [attempt], **facts)
    if any(attempt.pk in listed.as_paid for attempt in attempts):
        yield _mismatch(line, MismatchCode.PAID_TWICE, attempts, amount=line.amount.amount)


def _is_another_cost(reported: int | None, booked: int | None) -> bool:
    """Return whether both are known and differ: a cost that was not stated is booked by people, for many payments."""
    return reported is not None and booked is not None and reported != booked


def _is_booked(attempt: Any) -> bool:
    """Return whether the books have the payment of an attempt: as its disbursement's, or as a loss."""
    return bool(attempt.state == AttemptState.SUCCEEDED or attempt.is_written_off)


def _judge_reversed(line: ProviderPayment, attempts: list[Attempt]) -> Iterator[Mismatch]:
    """Yield a payment that was given back and is still paid in the books; its status is read after the run."""
    paid = [attempt for attempt in attempts if attempt.state == AttemptState.SUCCEEDED]
    for attempt in paid:
        if attempt.disbursement.state == DisbursementState.COMPLETED:
            yield _mismatch(line, MismatchCode.REVERSED_NOT_BOOKED, [attempt], amount=line.amount.amount)


def _judge_attempts(
    attempts: Sequence[Attempt], listed: _Listed, settled_before: datetime
) -> Iterator[Mismatch]:
    for attempt in attempts:
        code = _missing_as(attempt, listed, settled_before)
        if code is not None:
            facts = {"amount": attempt.order.amount, "currency": attempt.order.currency}
            yield Mismatch(attempt.order.reference, code, facts, attempt.disbursement_id)


def _missing_as(attempt: Attempt, listed: _Listed, settled_before: datetime) -> MismatchCode | None:
    """Return what is wrong with a live attempt that the statement lacks, if anything."""
    if attempt.state == AttemptState.SUCCEEDED:
        is_missing = attempt.pk not in listed.as_paid and not _was_open(attempt, settled_before)
        return MismatchCode.BOOKED_NOT_PAID if is_missing else None
    if attempt.pk in listed.at_all:
        return None
    if attempt.seen_at is not None:
        return MismatchCode.SEEN_NOT_LISTED if attempt.seen_at < settled_before else None
    return MismatchCode.NEVER_ANSWERED if attempt.order.give_up_after < settled_before else None


def _mismatch(
    line: ProviderPayment, code: MismatchCode, attempts: Sequence[Attempt], **facts: Any
) -> Mismatch:
    facts |= {"currency": str(line.amount.currency)}
    return Mismatch(line.reference, code, facts, attempts[-1].disbursement_id if attempts else None)
