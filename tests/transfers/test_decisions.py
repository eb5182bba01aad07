"""The table of what happens next: every combination of states, answers and flags has exactly one row here."""
# ruff: noqa: E501  (a row of a table is one line)

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from ledger.types import msat
from transfers.engine.decisions import decide
from transfers.engine.situation import (
    Answer,
    Answered,
    Doubt,
    NotAdmitted,
    NotPrepared,
    NotSentAgain,
    OrderFacts,
    Paused,
    PaymentFacts,
    Prepared,
    Short,
    Unavailable,
    Unreachable,
)
from transfers.engine.steps import (
    Begin,
    Book,
    BookLate,
    Close,
    Decision,
    Defer,
    Keep,
    LeaveInDoubt,
    OpenAndSend,
    Prepare,
    Query,
    Review,
    SendAgain,
    Settle,
    Stop,
    Wait,
)
from transfers.enums import AnsweredCall, AttemptState, DisbursementState, FailureClass
from transfers.types import Deferral, NotSeen, Order, Refused, Reversed, Succeeded, TooLate, Unknown

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
ANY = "*"
OURS, OTHER = "our node", "another node"
STALE = "the verdict about an earlier send"
SECOND = timedelta(seconds=1)


def at(seconds: float) -> datetime:
    return NOW + seconds * SECOND


# An order that was sent 5 s ago: it may leave until 25 s from now, and is valid for an hour.
ORDER = OrderFacts(
    attempt_id=1, is_ours=True, state=AttemptState.PREPARED, source=OURS, prepared_at=at(-5), expires_at=at(3_600),
    give_up_after=at(4_200), may_leave_until=at(25), send_deadline=75 * SECOND, late_by=10 * SECOND,
)  # fmt: skip
LIVES: dict[str, dict[str, Any]] = {
    "sendable": {},
    # It expires before a send would have ended, or its expiry has passed, but not yet for certain at the provider.
    "no longer sendable": {"expires_at": at(75), "give_up_after": at(675)},
    "may leave": {"expires_at": at(-700), "give_up_after": at(-100)},
    "over": {"expires_at": at(-700), "give_up_after": at(-100), "may_leave_until": at(-1)},
    # For more than an hour.
    "long over": {"expires_at": at(-4_200), "give_up_after": at(-3_600), "may_leave_until": at(-3_700)},
}


def _paid(**facts: Any) -> Succeeded:
    return Succeeded(proof="proof", amount=msat(1), cost=msat(0), **facts)


def _refused(failure: FailureClass, verdict: str = "new") -> Refused:
    return Refused("reason", failure, verdict=verdict)


def _call_refused(failure: FailureClass) -> Refused:
    return Refused("reason", failure, is_recorded=False)


ANSWERS: dict[str, tuple[Answer, bool]] = {
    "paid": (_paid(started_at=at(-4)), True),
    "paid, the provider does not say when": (_paid(), True),
    "paid, begun up to late_by before the order": (_paid(started_at=at(-15)), True),
    "paid, begun before the order": (_paid(started_at=at(-15.001)), True),
    "paid, but not proven": (_paid(), False),
    "refused: retry": (_refused(FailureClass.RETRY), False),
    "refused: hold": (_refused(FailureClass.HOLD), False),
    "refused: review": (_refused(FailureClass.REVIEW), False),
    "refused: final": (_refused(FailureClass.FINAL), False),
    "refused: renew": (_refused(FailureClass.RENEW), False),
    "refused: stale": (_refused(FailureClass.FINAL, STALE), False),
    "call refused: hold": (_call_refused(FailureClass.HOLD), False),
    "call refused: final": (_call_refused(FailureClass.FINAL), False),
    "unknown": (Unknown(seen=True, reason="in-flight"), False),
    "stuck": (Unknown(seen=True, reason="in-flight-nowhere", is_stuck=True), False),
    "unknown, contradicts": (Unknown(seen=True, reason="contradiction", suspect=True), False),
    "unknown, refusal in doubt": (Unknown(seen=True, reason="doubt", suspect=True, is_refusal=True), False),
    "not seen": (NotSeen(OURS), False),
    "not seen by another": (NotSeen(OTHER), False),
    "not found": (NotSeen(OURS, is_resendable=False), False),
    "given back": (Reversed("reversal", msat(1), NOW), True),
    "given back in part": (Reversed("reversal", msat(1), NOW), False),
    "too late": (TooLate(), False),
    "unavailable": (Unavailable("away", {}), False),
}


def text_of(decision: Decision) -> str:  # noqa: PLR0911  (one case per decision)
    """Name a decision with its moment, from now, and its code."""
    match decision:
        case Close(state=state, then=then):
            waits = f", not before {_from_now(then.not_before)}" if then.not_before else ""
            return f"close {state}, {then.state} {_from_now(then.due_at)}{waits}"
        case Keep(due_at=due_at, review=review):
            return f"keep {_from_now(due_at)}" + (f", review {review}" if review else "")
        case Review(code=code, due_at=due_at):
            return f"review {code} {_from_now(due_at)}"
        case Defer(deferral=deferral):
            return f"defer {deferral.code} {_from_now(deferral.until)}"
        case Stop(code=code, then=then):
            return f"stop {code}, {then.state} {_from_now(then.due_at)}"
        case LeaveInDoubt(doubt=doubt):
            return f"doubt until {_from_now(doubt.look_at)}" + (
                ", needs a person" if doubt.needs_person else ""
            )
        case Wait(due_at=due_at):
            return f"wait {_from_now(due_at)}"
        case _:
            names = {
                Begin: "begin", Query: "query", Prepare: "prepare", OpenAndSend: "open and send",
                SendAgain: "send again", Settle: "settle", Book: "book", BookLate: "book late",
            }  # fmt: skip
            return names[type(decision)]


def _from_now(moment: datetime | None) -> str:
    return "never" if moment is None else f"{(moment - NOW) / SECOND:g}"


@dataclass(frozen=True)
class Row:
    """One row of the table: values, or alternatives separated by "|", or "*" for all; and what happens."""

    cells: tuple[str, ...]
    decision: str

    def matches(self, case: Sequence[str]) -> bool:
        return all(
            cell == ANY or value in cell.split("|") for cell, value in zip(self.cells, case, strict=True)
        )


def rows(text: str) -> list[Row]:
    """Read a table: one row per line, cells separated by ";", the decision last."""
    lines = [line.strip() for line in text.strip().splitlines()]
    cells = [[cell.strip() for cell in line.split(";")] for line in lines if line]
    return [
        Row(tuple("|".join(part.strip() for part in one.split("|")) for one in line[:-1]), line[-1])
        for line in cells
    ]


def disagreements(
    table: list[Row], cases: Iterator[tuple[tuple[str, ...], Decision]]
) -> tuple[list[str], set[Row]]:
    """Return the cases that have not exactly one row, or another decision than it says; and the rows that were used."""
    wrong, used = [], set[Row]()
    for case, decision in cases:
        found = [row for row in table if row.matches(case)]
        used |= set(found)
        if len(found) != 1 or found[0].decision != text_of(decision):
            wrong.append(f"{case}: {text_of(decision)}, rows: {[row.decision for row in found]}")
    return wrong, used


# state of the payment; of the attempt; the answer; whether it was sent more than once; the order's life; what happens
ABOUT_OPEN = """
* ; * ; paid|paid, the provider does not say when|paid, begun up to late_by before the order ; * ; * ; book
* ; * ; paid, begun before the order ; * ; * ; keep 600, review paid-before-ordered
* ; * ; paid, but not proven|given back in part|unknown, contradicts ; * ; * ; keep 600, review answer-contradicts-records
* ; * ; unknown, refusal in doubt ; * ; * ; keep 600, review refused-when-sent-again
* ; * ; refused: final|refused: renew|call refused: final ; sent again ; * ; keep 600, review refused-when-sent-again
processing ; prepared ; call refused: final ; sent once ; sendable|no longer sendable|may leave ; close void, failed 25
processing ; prepared ; call refused: final ; sent once ; over|long over ; close void, failed never
processing ; in_flight ; call refused: final ; sent once ; sendable|no longer sendable|may leave ; close failed, failed 25
processing ; in_flight ; call refused: final ; sent once ; over|long over ; close failed, failed never
processing ; prepared ; call refused: hold ; sent once ; sendable|no longer sendable|may leave ; close void, processing 25, not before 60
processing ; prepared ; call refused: hold ; sent again ; sendable|no longer sendable|may leave ; close failed, processing 25, not before 60
processing ; prepared ; call refused: hold ; sent once ; over|long over ; close void, processing 60, not before 60
processing ; prepared ; call refused: hold ; sent again ; over|long over ; close failed, processing 60, not before 60
processing ; in_flight ; call refused: hold ; * ; sendable|no longer sendable|may leave ; close failed, processing 25, not before 60
processing ; in_flight ; call refused: hold ; * ; over|long over ; close failed, processing 60, not before 60
needs_review ; prepared ; call refused: hold ; sent once ; sendable|no longer sendable|may leave ; close void, needs_review 25
needs_review ; prepared ; call refused: hold ; sent again ; sendable|no longer sendable|may leave ; close failed, needs_review 25
needs_review ; prepared ; call refused: hold ; sent once ; over|long over ; close void, needs_review never
needs_review ; prepared ; call refused: hold ; sent again ; over|long over ; close failed, needs_review never
needs_review ; prepared ; call refused: final ; sent once ; sendable|no longer sendable|may leave ; close void, needs_review 25
needs_review ; prepared ; call refused: final ; sent once ; over|long over ; close void, needs_review never
needs_review ; in_flight ; call refused: hold ; * ; sendable|no longer sendable|may leave ; close failed, needs_review 25
needs_review ; in_flight ; call refused: hold ; * ; over|long over ; close failed, needs_review never
needs_review ; in_flight ; call refused: final ; sent once ; sendable|no longer sendable|may leave ; close failed, needs_review 25
needs_review ; in_flight ; call refused: final ; sent once ; over|long over ; close failed, needs_review never
processing ; * ; refused: final ; sent once ; sendable|no longer sendable|may leave ; close failed, failed 25
processing ; * ; refused: final ; sent once ; over|long over ; close failed, failed never
processing ; * ; refused: renew ; sent once ; sendable|no longer sendable|may leave ; close failed, processing 25, not before 120
processing ; * ; refused: renew ; sent once ; over|long over ; close failed, processing 120, not before 120
processing ; * ; refused: retry|refused: hold ; * ; sendable|no longer sendable|may leave ; close failed, processing 25, not before 60
processing ; * ; refused: retry|refused: hold ; * ; over|long over ; close failed, processing 60, not before 60
processing ; * ; refused: review|given back ; * ; sendable|no longer sendable|may leave ; close failed, needs_review 25
processing ; * ; refused: review|given back ; * ; over|long over ; close failed, needs_review never
needs_review ; * ; refused: retry|refused: hold|refused: review|given back ; * ; sendable|no longer sendable|may leave ; close failed, needs_review 25
needs_review ; * ; refused: retry|refused: hold|refused: review|given back ; * ; over|long over ; close failed, needs_review never
needs_review ; * ; refused: final|refused: renew ; sent once ; sendable|no longer sendable|may leave ; close failed, needs_review 25
needs_review ; * ; refused: final|refused: renew ; sent once ; over|long over ; close failed, needs_review never
processing ; * ; unknown|too late ; * ; * ; keep 1
needs_review ; * ; unknown|too late ; * ; * ; keep 600
processing ; * ; stuck ; * ; sendable|no longer sendable|may leave|over ; keep 1
needs_review ; * ; stuck ; * ; sendable|no longer sendable|may leave|over ; keep 600
* ; * ; stuck ; * ; long over ; keep 600, review left-in-flight
* ; * ; unavailable ; * ; * ; keep 15
* ; * ; not seen by another ; * ; * ; keep 600, review payment-vanished
* ; in_flight ; not seen|not found ; * ; * ; keep 600, review payment-vanished
* ; prepared ; not found ; * ; sendable|no longer sendable|may leave ; keep 1
* ; prepared ; not found ; * ; over|long over ; keep 600, review never-found
processing ; prepared ; not seen ; * ; sendable ; send again
needs_review ; prepared ; not seen ; * ; sendable ; keep 600
* ; prepared ; not seen ; * ; no longer sendable ; keep 690
* ; prepared ; not seen ; * ; may leave ; keep 40
processing ; prepared ; not seen ; * ; over|long over ; close void, failed never
needs_review ; prepared ; not seen ; * ; over|long over ; close void, needs_review never
processing ; * ; refused: stale ; * ; sendable ; send again
needs_review ; * ; refused: stale ; * ; sendable ; keep 600
* ; * ; refused: stale ; * ; no longer sendable ; keep 690
* ; * ; refused: stale ; * ; may leave ; keep 40
processing ; * ; refused: stale ; * ; over|long over ; close void, failed never
needs_review ; * ; refused: stale ; * ; over|long over ; close void, needs_review never
"""


def _cases_about_open() -> Iterator[tuple[tuple[str, ...], Decision]]:
    states = (DisbursementState.PROCESSING, DisbursementState.NEEDS_REVIEW)
    attempts = (AttemptState.PREPARED, AttemptState.IN_FLIGHT)
    sends = {"sent once": False, "sent again": True}
    for state, attempt, name, sent, life in product(states, attempts, ANSWERS, sends, LIVES):
        order = replace(
            ORDER, state=attempt, was_sent_again=sends[sent], refused_sends=frozenset({STALE}), **LIVES[life]
        )
        answer, is_proven = ANSWERS[name]
        answered = Answered(order, AnsweredCall.ASK, answer, is_proven)
        yield (state, attempt, name, sent, life), decide(PaymentFacts(state), [order], answered, NOW)


def test_decide_about_an_open_order_follows_the_table_in_every_combination():
    table = rows(ABOUT_OPEN)

    wrong, used = disagreements(table, _cases_about_open())

    assert wrong == []
    assert [row for row in table if row not in used] == []


def test_decide_about_an_answer_does_not_depend_on_the_call_that_was_answered():
    for name, (answer, is_proven) in ANSWERS.items():
        decisions = {
            text_of(decide(PaymentFacts(DisbursementState.PROCESSING), [ORDER], one, NOW))
            for one in (Answered(ORDER, call, answer, is_proven) for call in AnsweredCall)
        }
        assert len(decisions) == 1, name


# state of the payment; of the attempt; the answer; whether two people resolved it; the order's life; what happens
ABOUT_CLOSED = """
* ; * ; paid|paid, the provider does not say when|paid, begun up to late_by before the order ; * ; * ; book late
* ; void ; paid, begun before the order ; * ; * ; settle
* ; failed ; paid, begun before the order ; resolved ; * ; settle
* ; failed ; paid, begun before the order ; not resolved ; * ; book late
* ; * ; refused: retry|refused: hold|refused: review|refused: final|refused: renew|refused: stale|call refused: hold|call refused: final|given back ; * ; * ; settle
* ; * ; unavailable ; * ; * ; doubt until 15
processing ; * ; unknown|too late ; * ; * ; doubt until 15
failed|needs_review|cancelled|completed ; * ; unknown|too late ; * ; payable ; doubt until 30
failed|needs_review|cancelled|completed ; * ; unknown|too late ; * ; over|over, and confirmed ; doubt until 700
failed|needs_review|cancelled|completed ; * ; unknown|too late ; * ; long over ; doubt until 3600
* ; * ; stuck ; resolved ; long over ; settle
processing ; * ; stuck ; * ; payable|over|over, and confirmed ; doubt until 15
processing ; * ; stuck ; not resolved ; long over ; doubt until 3600, needs a person
failed|needs_review|cancelled|completed ; * ; stuck ; * ; payable ; doubt until 30
failed|needs_review|cancelled|completed ; * ; stuck ; * ; over|over, and confirmed ; doubt until 700
failed|needs_review|cancelled|completed ; * ; stuck ; not resolved ; long over ; doubt until 3600
* ; void ; not seen|not seen by another|not found ; * ; * ; settle
* ; failed ; not seen|not seen by another|not found ; resolved ; * ; settle
* ; failed ; not seen|not found ; not resolved ; over|over, and confirmed|long over ; settle
* ; failed ; not seen by another ; not resolved ; over, and confirmed ; settle
processing ; failed ; not seen by another ; not resolved ; over ; doubt until 700, needs a person
failed|needs_review|cancelled|completed ; failed ; not seen by another ; not resolved ; over ; doubt until 700
processing ; failed ; not seen by another ; not resolved ; long over ; doubt until 3600, needs a person
failed|needs_review|cancelled|completed ; failed ; not seen by another ; not resolved ; long over ; doubt until 3600
processing ; failed ; not seen|not seen by another|not found ; not resolved ; payable ; doubt until 30, needs a person
failed|needs_review|cancelled|completed ; failed ; not seen|not seen by another|not found ; not resolved ; payable ; doubt until 30
processing ; * ; paid, but not proven|given back in part|unknown, contradicts|unknown, refusal in doubt ; * ; payable ; doubt until 30, needs a person
processing ; * ; paid, but not proven|given back in part|unknown, contradicts|unknown, refusal in doubt ; * ; over|over, and confirmed ; doubt until 700, needs a person
processing ; * ; paid, but not proven|given back in part|unknown, contradicts|unknown, refusal in doubt ; * ; long over ; doubt until 3600, needs a person
failed|needs_review|cancelled|completed ; * ; paid, but not proven|given back in part|unknown, contradicts|unknown, refusal in doubt ; * ; long over ; doubt until 3600
failed|needs_review|cancelled|completed ; * ; paid, but not proven|given back in part|unknown, contradicts|unknown, refusal in doubt ; * ; payable ; doubt until 30
failed|needs_review|cancelled|completed ; * ; paid, but not proven|given back in part|unknown, contradicts|unknown, refusal in doubt ; * ; over|over, and confirmed ; doubt until 700
"""
CLOSED_LIVES: dict[str, dict[str, Any]] = {
    "payable": {"may_leave_until": at(-1)},
    "over": {"may_leave_until": at(-700), "give_up_after": at(-100), "expires_at": at(-700)},
    "over, and confirmed": {
        "may_leave_until": at(-700),
        "give_up_after": at(-100),
        "expires_at": at(-700),
        "unpaid_at": at(-700),
    },
    "long over": LIVES["long over"],
}


def _cases_about_closed() -> Iterator[tuple[tuple[str, ...], Decision]]:
    states = ("processing", "failed", "needs_review", "cancelled", "completed")
    resolved = {"resolved": True, "not resolved": False}
    for state, attempt, name, by, life in product(
        states, ("failed", "void"), ANSWERS, resolved, CLOSED_LIVES
    ):
        order = replace(
            ORDER, state=AttemptState(attempt), was_resolved=resolved[by], refused_sends=frozenset({STALE}),
            **CLOSED_LIVES[life],
        )  # fmt: skip
        answer, is_proven = ANSWERS[name]
        answered = Answered(order, AnsweredCall.ASK, answer, is_proven)
        payment = PaymentFacts(DisbursementState(state))
        yield (state, attempt, name, by, life), decide(payment, [order], answered, NOW)


def test_decide_about_a_closed_order_follows_the_table_in_every_combination():
    table = rows(ABOUT_CLOSED)

    wrong, used = disagreements(table, _cases_about_closed())

    assert wrong == []
    assert [row for row in table if row not in used] == []


@pytest.mark.parametrize(
    ("left_seconds", "queries", "expected"),
    [
        (900, 0, "keep 1"),
        (900, 20, "keep 300"),
        (100, 20, "keep 115"),
        (1, 20, "keep 16"),
        (0, 20, "keep 15"),
        (-1, 20, "keep 600, review never-found"),
    ],
)
def test_decide_about_an_order_that_is_not_found_waits_until_the_search_window_is_over(
    left_seconds, queries, expected
):
    """The last query comes as soon as absence counts; an order that could be sent again is not."""
    order = replace(ORDER, may_leave_until=at(left_seconds - 1_800), search_window=1_800 * SECOND)
    answered = Answered(order, AnsweredCall.ASK, NotSeen(OURS, is_resendable=False))

    decision = decide(PaymentFacts(DisbursementState.PROCESSING, queries=queries), [order], answered, NOW)

    assert text_of(decision) == expected


@pytest.mark.parametrize(
    ("source", "left_seconds", "expected"),
    [
        (OURS, 1, "keep 1"),
        (OURS, 0, "keep 1"),
        (OURS, -1, "keep 600, review payment-vanished"),
        (OTHER, 1, "keep 600, review payment-vanished"),
    ],
)
def test_decide_about_an_acknowledged_order_waits_until_its_provider_must_show_it(
    source: str, left_seconds: int, expected: str
) -> None:
    order = replace(
        ORDER,
        state=AttemptState.IN_FLIGHT,
        may_leave_until=at(left_seconds - 120),
        search_window=120 * SECOND,
    )
    answered = Answered(order, AnsweredCall.ASK, NotSeen(source))

    found = decide(PaymentFacts(DisbursementState.PROCESSING), [order], answered, NOW)

    assert text_of(found) == expected


@pytest.mark.parametrize("by", [{"state": AttemptState.VOID}, {"was_resolved": True}, {}])
@pytest.mark.parametrize(("left_seconds", "expected"), [(1, "doubt until 1799"), (-1, "settle")])
def test_decide_about_a_closed_order_that_is_not_found_settles_it_after_the_search_window(
    by, left_seconds, expected
):
    closed = replace(
        ORDER, state=AttemptState.FAILED, give_up_after=at(-2_000), expires_at=at(-2_600),
        may_leave_until=at(left_seconds - 1_800), search_window=1_800 * SECOND,
    )  # fmt: skip
    order = replace(closed, **by)
    answered = Answered(order, AnsweredCall.ASK, NotSeen(OURS, is_resendable=False))

    decision = decide(PaymentFacts(DisbursementState.FAILED), [order], answered, NOW)

    assert text_of(decision) == expected


@pytest.mark.parametrize(
    "by",
    [
        {"state": AttemptState.FAILED, "was_refused_when_sent": True},
        {"state": AttemptState.VOID, "may_have_left": False},
    ],
)
def test_decide_about_a_closed_order_that_cannot_be_paid_settles_it_within_the_search_window(by):
    """Its only send was refused, or none ever left."""
    order = replace(ORDER, may_leave_until=at(-1), search_window=1_800 * SECOND, **by)
    answered = Answered(order, AnsweredCall.ASK, NotSeen(OURS, is_resendable=False))

    decision = decide(PaymentFacts(DisbursementState.PROCESSING), [order], answered, NOW)

    assert text_of(decision) == "settle"


@pytest.mark.parametrize(
    ("give_up_seconds", "may_leave_seconds", "expected"),
    [
        (-3_599, -9_000, "keep 1"),
        (-9_000, -3_599, "keep 1"),
        (-3_600, -9_000, "keep 600, review left-in-flight"),
        (-9_000, -3_600, "keep 600, review left-in-flight"),
    ],
)
def test_decide_calls_a_person_an_hour_after_a_stuck_order_could_last_be_paid(
    give_up_seconds, may_leave_seconds, expected
):
    order = replace(
        ORDER,
        state=AttemptState.IN_FLIGHT,
        give_up_after=at(give_up_seconds),
        may_leave_until=at(may_leave_seconds),
    )
    answered = Answered(order, AnsweredCall.ASK, Unknown(seen=True, reason="nowhere", is_stuck=True))

    assert text_of(decide(PaymentFacts(DisbursementState.PROCESSING), [order], answered, NOW)) == expected


# state of the payment; its orders; whether nothing may be sent yet; what happens
NEXT = """
scheduled ; * ; * ; begin
processing|needs_review|failed|cancelled|completed|reversed ; open|open, and one paid elsewhere ; * ; query
processing ; none|paid ; at once ; prepare
processing ; none|paid ; not yet ; wait 40
processing|needs_review|failed ; paid elsewhere ; * ; query
processing ; paid elsewhere, in doubt ; * ; review paid-before 15
processing ; paid elsewhere, asked|paid elsewhere, not ours ; * ; review paid-before never
processing ; may leave|one may leave, one asked ; * ; wait 25
processing ; not asked|asked before it could leave no more|one not asked, one asked|not ours, not asked|one in doubt, one not asked ; * ; query
processing ; asked|over|both asked ; at once ; prepare
processing ; asked|over|both asked ; not yet ; wait 40
processing ; in doubt ; * ; wait 15
processing ; in doubt, needs a person|one in doubt, one needs a person ; * ; review last-order-in-doubt 30
needs_review|failed|cancelled|completed|reversed ; none|paid|paid elsewhere, asked|paid elsewhere, not ours|not ours, not asked|over ; * ; wait never
cancelled|completed|reversed ; paid elsewhere ; * ; wait never
needs_review|failed|cancelled|completed|reversed ; may leave|one may leave, one asked ; * ; wait 25
needs_review|failed|cancelled|completed|reversed ; not asked|asked before it could leave no more|one not asked, one asked|one in doubt, one not asked ; * ; query
needs_review|failed|cancelled|completed|reversed ; asked|both asked|in doubt, needs a person ; * ; wait 30
needs_review|failed|cancelled|completed|reversed ; in doubt|one in doubt, one needs a person|paid elsewhere, in doubt ; * ; wait 15
"""
CLOSED = replace(ORDER, state=AttemptState.FAILED, may_leave_until=at(-1), unpaid_at=at(-25))
ASKED = replace(CLOSED, attempt_id=2, unpaid_at=NOW, was_queried=True)
LEAVING = replace(CLOSED, may_leave_until=at(25))
ELSEWHERE = replace(CLOSED, was_paid_elsewhere=True)
IN_DOUBT = replace(CLOSED, attempt_id=3, was_queried=True, doubt=Doubt(at(15), needs_person=False))
FOR_A_PERSON = replace(CLOSED, attempt_id=4, was_queried=True, doubt=Doubt(at(30), needs_person=True))
ORDERS: dict[str, list[OrderFacts]] = {
    "none": [],
    "open": [ORDER],
    "paid": [replace(ORDER, state=AttemptState.SUCCEEDED)],
    "paid elsewhere": [ELSEWHERE],
    "open, and one paid elsewhere": [ELSEWHERE, replace(ORDER, attempt_id=2)],
    "paid elsewhere, asked": [replace(ELSEWHERE, was_queried=True)],
    "paid elsewhere, in doubt": [
        replace(ELSEWHERE, was_queried=True, doubt=Doubt(at(15), needs_person=False))
    ],
    "paid elsewhere, not ours": [replace(ELSEWHERE, is_ours=False)],
    "in doubt": [IN_DOUBT],
    "in doubt, needs a person": [FOR_A_PERSON],
    "one in doubt, one needs a person": [IN_DOUBT, FOR_A_PERSON],
    "one in doubt, one not asked": [IN_DOUBT, CLOSED],
    "may leave": [LEAVING],
    "one may leave, one asked": [ASKED, LEAVING],
    "not asked": [replace(CLOSED, unpaid_at=None)],
    "asked before it could leave no more": [CLOSED],
    "one not asked, one asked": [CLOSED, ASKED],
    "not ours, not asked": [replace(CLOSED, is_ours=False)],
    "asked": [ASKED],
    "both asked": [replace(ASKED, attempt_id=1), ASKED],
    "over": [replace(ASKED, give_up_after=at(-1))],
}


def _cases_next() -> Iterator[tuple[tuple[str, ...], Decision]]:
    waits = {"at once": None, "not yet": at(40)}
    for state, name, wait in product(DisbursementState, ORDERS, waits):
        payment = PaymentFacts(state, not_before=waits[wait])
        yield (state, name, wait), decide(payment, ORDERS[name], None, NOW)


def test_decide_after_the_claim_follows_the_table_in_every_combination():
    table = rows(NEXT)

    wrong, used = disagreements(table, _cases_next())

    assert wrong == []
    assert [row for row in table if row not in used] == []


def test_decide_asks_about_every_order_of_the_subject_before_another_is_prepared():
    payment = PaymentFacts(DisbursementState.PROCESSING)
    orders = [replace(CLOSED, attempt_id=number, is_ours=number > 1) for number in (1, 2, 3)]

    asked = []
    while isinstance(decision := decide(payment, orders, None, NOW), Query):
        asked.append(decision.order.attempt_id)
        orders = [replace(one, was_queried=one.was_queried or one.attempt_id == asked[-1]) for one in orders]

    assert asked == [1, 2, 3]
    assert text_of(decision) == "prepare"


NEW = Order(
    rail="lightning", reference="ab", payload="", amount=msat(1), cost_limit=msat(1), payee="", source=OURS,
    expires_at=at(3_600), give_up_after=at(4_200),
)  # fmt: skip
OPEN_ANSWER = Answered(ORDER, AnsweredCall.ASK, NotSeen(OURS))


@pytest.mark.parametrize(
    ("outcome", "retries", "expected"),
    [
        (Prepared(NEW), 0, "open and send"),
        (NotPrepared("invoice-expired", {}), 0, "stop invoice-expired, failed never"),
        (Short("lightning"), 0, "defer liquidity-short 60"),
        (Unavailable("away", {"rail": "lightning"}), 0, "defer rail-unavailable 15"),
        (Unreachable("destination-unavailable", {}), 0, "stop destination-unavailable, processing 60"),
        (Unreachable("destination-unavailable", {}), 1, "stop destination-unavailable, processing 120"),
        (Unreachable("destination-unavailable", {}), 2, "stop destination-unavailable, processing 240"),
        (Unreachable("destination-unavailable", {}), 3, "stop destination-unavailable, needs_review never"),
        (NotAdmitted(Deferral("hour-limit", {}, at(7))), 0, "defer hour-limit 7"),
        (NotAdmitted(Deferral("payout-above-limit", {}, None)), 0, "defer payout-above-limit never"),
        (NotSentAgain(OPEN_ANSWER, at(9)), 0, "keep 9"),
        (NotSentAgain(OPEN_ANSWER, NOW), 0, "keep 1"),
        (NotSentAgain(OPEN_ANSWER, None), 0, "keep 60"),
        (Paused(), 0, "wait 60"),
    ],
)
def test_decide_about_what_was_prepared_or_postponed(outcome, retries, expected):
    payment = PaymentFacts(DisbursementState.PROCESSING, retries=retries)

    assert text_of(decide(payment, [], outcome, NOW)) == expected


def test_decide_watches_closed_orders_of_a_payment_that_cannot_be_prepared():
    payment = PaymentFacts(DisbursementState.PROCESSING)

    decision = decide(payment, [ASKED], NotPrepared("invoice-expired", {}), NOW)

    assert text_of(decision) == "stop invoice-expired, failed 30"


def test_decide_closes_an_order_without_forgetting_the_others_that_can_still_be_paid():
    over = replace(ORDER, **LIVES["over"])
    answered = Answered(over, AnsweredCall.ASK, NotSeen(OURS))

    decision = decide(PaymentFacts(DisbursementState.PROCESSING), [ASKED, over], answered, NOW)

    assert text_of(decision) == "close void, failed 30"


@pytest.mark.parametrize(
    ("unsent_seconds", "valid_seconds", "expected"),
    [
        (1, 9_000, "wait 30"),
        (45, 9_000, "wait 45"),
        (9_000, 9_000, "wait 3600"),
        (9_000, 600, "wait 615"),
    ],
)
def test_decide_looks_at_closed_orders_less_and_less_often_and_once_after_they_expired(
    unsent_seconds, valid_seconds, expected
):
    order = replace(ASKED, may_leave_until=at(-unsent_seconds), give_up_after=at(valid_seconds))

    assert text_of(decide(PaymentFacts(DisbursementState.FAILED), [order], None, NOW)) == expected


@pytest.mark.parametrize(
    ("holds", "expected"),
    [
        (0, "close failed, processing 25, not before 60"),
        (1, "close failed, processing 25, not before 120"),
        (4, "close failed, processing 25, not before 960"),
        (5, "close failed, processing 25, not before 960"),
        (6, "close failed, needs_review 25"),
    ],
)
def test_decide_waits_longer_and_then_for_a_person_when_our_side_cannot_pay(holds, expected):
    order = replace(ORDER, holds=holds)
    answered = Answered(order, AnsweredCall.SEND, _refused(FailureClass.HOLD))

    assert text_of(decide(PaymentFacts(DisbursementState.PROCESSING), [order], answered, NOW)) == expected


def test_decide_asks_about_an_open_order_before_one_that_was_paid_beside_it():
    """The other can be booked only when this one has failed."""
    decision = decide(
        PaymentFacts(DisbursementState.PROCESSING), ORDERS["open, and one paid elsewhere"], None, NOW
    )

    assert isinstance(decision, Query)
    assert decision.order.attempt_id == 2
