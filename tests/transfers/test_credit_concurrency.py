"""One member's credit, used by many callers at once: all that fits is used, and nothing goes below zero."""

from __future__ import annotations

from functools import partial

import pytest

from ledger.queries import owed
from tests.support.at_once import at_once
from tests.transfers.test_credit import POT, SUBJECT, breaches, credited, returned, used
from transfers.credit_queries import credit_msat
from transfers.errors import CreditNotUsed, CreditShort
from transfers.models import CreditUse
from transfers.types import CreditUseFacts

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]
CALLERS = 32


def refusal_of(call: partial[CreditUseFacts]) -> CreditUseFacts | Exception:
    try:
        return call()
    except (CreditShort, CreditNotUsed) as refusal:
        return refusal


def all_at_once(*calls: partial[CreditUseFacts]) -> list[CreditUseFacts | Exception]:
    return at_once([partial(refusal_of, call) for call in calls])


def test_thirty_two_callers_use_exactly_what_there_is() -> None:
    """Of 10,000 msat, fourteen get 700 each; eighteen are refused, and 200 are left."""
    credited(10_000)

    answers = all_at_once(*(partial(used, 700, subject=f"contribution:{n}") for n in range(CALLERS)))

    short = [answer for answer in answers if isinstance(answer, CreditShort)]
    assert len(short) == 18
    assert {tuple(refusal.facts.values()) for refusal in short} == {(700, 200)}
    assert (credit_msat("awa"), owed(POT), CreditUse.objects.count()) == (200, 9_800, 14)
    assert breaches() == []


def test_one_use_asked_for_by_many_callers_is_stored_once() -> None:
    credited(1_000)

    answers = all_at_once(*[partial(used, 700)] * CALLERS)

    assert {answer.id for answer in answers if isinstance(answer, CreditUseFacts)} == {
        CreditUse.objects.get().pk
    }
    assert (len(answers), credit_msat("awa"), owed(POT)) == (CALLERS, 300, 700)


def test_one_use_returned_by_many_callers_is_returned_once() -> None:
    credited(1_000)
    used(700)

    answers = all_at_once(*[partial(returned, SUBJECT)] * 8)

    assert sum(isinstance(answer, CreditNotUsed) for answer in answers) == 7
    assert (credit_msat("awa"), owed(POT)) == (1_000, 0)
    assert breaches() == []
