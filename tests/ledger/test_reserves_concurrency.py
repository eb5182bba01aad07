"""Many callers spend from one account at once: all that fits goes, and nothing goes below zero."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from ledger.errors import AccountShort
from ledger.invariants.balances import BALANCE_INVARIANTS
from ledger.models import JournalTransaction
from ledger.queries import balance, owed
from ledger.services import post, repay_receivables, require_owed, seal_books, take_back
from ledger.types import AccountRef, credit, debit
from sunusav.core.auditing import AuditScope
from sunusav.core.transactions import retried_on_deadlock
from tests.ledger.builders import FUND, HOUR, NODE, NOW, POT, received
from tests.ledger.builders import WAVE_RESERVE as WAVE
from tests.support.at_once import at_once
from tests.support.locks import wait_until_blocked

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]
CALLERS = 32


@retried_on_deadlock
def spend(number: int, *amounts: tuple[AccountRef, int]) -> str:
    with transaction.atomic():
        require_owed(dict(amounts), now=NOW)
        lines = [debit(account, amount) for account, amount in amounts]
        lines.append(credit(NODE, sum(amount for _, amount in amounts)))
        post(kind="spending", reference=f"spending:{number}", lines=lines, at=NOW, subject="s")
    return "spent"


@retried_on_deadlock
def reverse_fee(number: int) -> str:
    with transaction.atomic():
        lines = [*take_back({WAVE: 30, FUND: 20}), credit(POT, 50)]
        post(kind="reversal", reference=f"reversal:{number}", lines=lines, at=NOW, subject="s")
    return "reversed"


def breaches() -> list[Any]:
    scope = AuditScope(now=NOW)
    return [breach for invariant in BALANCE_INVARIANTS for breach in invariant.find(scope)]


def test_thirty_two_callers_spend_exactly_what_an_account_holds() -> None:
    received("accrual", 10_000, to=FUND)

    answers = at_once([lambda n=n: spend(n, (FUND, 700)) for n in range(CALLERS)])  # type: ignore[misc]

    assert answers.count("spent") == 14
    assert sum(isinstance(answer, AccountShort) and answer.available == 200 for answer in answers) == 18
    assert owed(FUND) == 200
    assert JournalTransaction.objects.filter(kind="spending").count() == 14
    assert breaches() == []


def test_callers_that_name_accounts_in_any_order_follow_each_other() -> None:
    received("fund", 1_000, to=FUND)
    received("wave", 1_000, to=WAVE)

    def call(number: int) -> Callable[[], str]:
        amounts = [(FUND, 90), (WAVE, 100)]
        return lambda: spend(number, *(amounts if number % 2 else reversed(amounts)))

    answers = at_once([call(n) for n in range(CALLERS)])

    assert answers.count("spent") == 10
    assert (owed(FUND), owed(WAVE)) == (100, 0)


def test_nothing_goes_below_zero_while_fees_are_reversed_and_repaid() -> None:
    received("fund", 100, to=FUND)
    received("wave", 100, to=WAVE)

    calls: list[Callable[[], Any]] = [lambda n=n: reverse_fee(n) for n in range(8)]  # type: ignore[misc]
    calls += [lambda n=n: spend(n, (FUND, 15), (WAVE, 15)) for n in range(8)]  # type: ignore[misc]
    calls += [lambda n=n: received(f"more:{n}", 10, to=FUND) for n in range(8)]  # type: ignore[misc]
    calls += [lambda: repay_receivables(now=NOW)] * 6 + [lambda: seal_books(now=NOW)] * 2
    answers = at_once(calls)

    assert answers.count("reversed") == 8
    assert breaches() == []
    assert balance(POT) == -400
    repay_receivables(now=NOW)
    spent = answers.count("spent")
    assert owed(FUND) - balance(FUND.receivable) == 100 + 80 - 160 - 15 * spent
    assert owed(WAVE) - balance(WAVE.receivable) == 100 - 240 - 15 * spent
    assert min(owed(FUND), balance(FUND.receivable)) == min(owed(WAVE), balance(WAVE.receivable)) == 0


def test_balance_is_read_after_the_lock() -> None:
    """What another caller spends while this one waits is seen: it committed after this transaction began."""
    received("accrual", 100, to=FUND)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            require_owed({FUND: 60}, now=NOW)
            waiting = pool.submit(at_once, [lambda: spend(2, (FUND, 60))])
            wait_until_blocked(connection)
            lines = [debit(FUND, 60), credit(NODE, 60)]
            post(kind="spending", reference="first", lines=lines, at=NOW, subject="s")
        [refusal] = waiting.result()

    assert isinstance(refusal, AccountShort)
    assert refusal.facts["available"] == 40


def test_repayments_at_once_repay_once() -> None:
    with transaction.atomic():
        post(kind="r", reference="r", lines=[*take_back({FUND: 50}), credit(POT, 50)], at=NOW, subject="s")
    received("accrual", 80, to=FUND)

    answers = at_once([lambda: repay_receivables(now=NOW + HOUR)] * 8)

    assert sorted(answers) == [0] * 7 + [1]
    assert (owed(FUND), balance(FUND.receivable)) == (30, 0)
