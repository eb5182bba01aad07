"""Contended accounts are read under their lock; what a reversal does not find becomes a receivable."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from ledger.calculations import held_on, repayment, split_taken_back
from ledger.enums import AccountKind, AccountRole, Currency
from ledger.errors import AccountShort, PostingMalformed
from ledger.health import RECEIVABLE_OLD_AFTER, receivables
from ledger.invariants.balances import BALANCE_INVARIANTS
from ledger.metrics import METRICS
from ledger.models import Account, JournalTransaction
from ledger.queries import balance, open_receivables, owed
from ledger.services import post, repay_receivable, repay_receivables, require_owed, seal_books, take_back
from ledger.types import AccountRef, Line, Receivable, credit, debit
from sunusav.core.auditing import AuditScope
from sunusav.core.models import Lock
from tests.ledger.builders import FUND, HOUR, NODE, NOW, POT, received
from tests.ledger.builders import WAVE_RESERVE as WAVE

FLOAT = AccountRef(AccountRole.PARTNER_FLOAT, Currency.XOF, "wave")
CAPITAL = AccountRef(AccountRole.OPENING_BALANCE, Currency.XOF)


def accrued(amount: int, *, to: AccountRef = FUND, at: datetime = NOW, reference: str = "") -> None:
    received(reference or f"accrual:{JournalTransaction.objects.count()}", amount, to=to, at=at)


def spent(amount: int, *, on: AccountRef = FUND) -> None:
    reference = f"spending:{JournalTransaction.objects.count()}"
    post(kind="s", reference=reference, lines=[debit(on, amount), credit(NODE, amount)], at=NOW, subject="s")


def taken_back(amounts: Mapping[AccountRef, int], *, at: datetime = NOW) -> None:
    """Take amounts back from accounts and give their sum to the pot."""
    with transaction.atomic():
        lines = [*take_back(amounts), credit(POT, sum(amounts.values()))]
        reference = f"reversal:{JournalTransaction.objects.count()}"
        post(kind="r", reference=reference, lines=lines, at=at, subject="s")


# Calculations and names


@pytest.mark.parametrize(
    ("kind", "balance", "held"),
    [("asset", 7, 7), ("expense", 7, 7), ("liability", -7, 7), ("income", -7, 7), ("liability", 7, -7)],
)
def test_held_on_is_positive_on_the_side_of_the_account(kind: str, balance: int, held: int) -> None:
    assert held_on(AccountKind(kind), balance) == held


@pytest.mark.parametrize("held", [-5, 0, 1, 6, 7, 8, 100])
def test_split_taken_back_conserves_the_amount_and_takes_no_more_than_is_held(held: int) -> None:
    from_account, owed_back = split_taken_back(7, held=held)

    assert from_account + owed_back == 7
    assert from_account == min(7, max(held, 0))


@pytest.mark.parametrize(
    ("held", "owed_back", "repaid"),
    [(0, 0, 0), (5, 0, 0), (0, 5, 0), (3, 5, 3), (9, 5, 5), (-3, 5, 0), (5, -3, 0)],
)
def test_repayment_is_what_is_held_up_to_what_is_owed_back(held: int, owed_back: int, repaid: int) -> None:
    assert repayment(held=held, owed_back=owed_back) == repaid


@pytest.mark.parametrize("account", [FUND, WAVE, POT, FLOAT, FUND.receivable, WAVE.receivable])
def test_account_of_code_reads_what_code_writes(account: AccountRef) -> None:
    assert AccountRef.of_code(account.code) == account


@pytest.mark.django_db
def test_receivable_of_the_longest_member_can_be_booked() -> None:
    account = AccountRef(AccountRole.PARTNER_RESERVE, Currency.MSAT, "user:" + "ü" * 64)

    taken_back({account: 5})

    assert balance(account.receivable) == 5
    assert open_receivables()[0].account == account


@pytest.mark.django_db
def test_post_refuses_a_code_that_is_too_long() -> None:
    account = AccountRef(AccountRole.CONTRIBUTION_CLEARING, Currency.MSAT, "x" * 104)

    with pytest.raises(PostingMalformed) as refusal:
        received("r-1", to=account)

    assert refusal.value.problem == "the code of an account has at most 120 characters"
    assert not Account.objects.exists()


# Requiring what is owed


@pytest.mark.django_db
def test_require_owed_accepts_what_each_account_holds() -> None:
    accrued(500)
    accrued(300, to=WAVE)
    post(kind="f", reference="float", lines=[Line(FLOAT, 900), Line(CAPITAL, -900)], at=NOW, subject="s")

    require_owed({FUND: 500, WAVE: 300, FLOAT: 900}, now=NOW)

    assert (owed(FUND), owed(WAVE), balance(FLOAT)) == (500, 300, 900)
    assert set(Lock.objects.filter(name__startswith="account:").values_list("name", flat=True)) == {
        "account:community_fund:msat", "account:partner_reserve:msat:wave", "account:partner_float:XOF:wave",
    }  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("account", "code"), [(FUND, "community_fund:msat"), (WAVE, "partner_reserve:msat:wave")]
)
def test_require_owed_of_more_than_an_account_holds_is_refused(account: AccountRef, code: str) -> None:
    accrued(500)
    accrued(500, to=WAVE)
    before = JournalTransaction.objects.count()

    with pytest.raises(AccountShort) as refusal:
        require_owed({FUND: 500, WAVE: 500, account: 501}, now=NOW)

    assert refusal.value.facts == {"account": code, "currency": "msat", "needed": 501, "available": 500}
    assert JournalTransaction.objects.count() == before


@pytest.mark.django_db
def test_require_owed_of_an_unused_account_is_refused() -> None:
    with pytest.raises(AccountShort) as refusal:
        require_owed({FLOAT: 1}, now=NOW)

    assert refusal.value.facts == {"account": FLOAT.code, "currency": "XOF", "needed": 1, "available": 0}


@pytest.mark.django_db
def test_require_owed_reads_all_accounts_together_after_their_locks() -> None:
    accrued(200)
    accrued(300, to=WAVE)
    require_owed({FUND: 200, WAVE: 300}, now=NOW)
    with CaptureQueriesContext(connection) as queries:
        require_owed({FUND: 200, WAVE: 300}, now=NOW)

    locks, reads = [True, True], [False] * 3  # their keys, the floor of the last seal, their balances
    assert ["core_lock" in query["sql"] for query in queries] == locks + reads


@pytest.mark.django_db
def test_require_owed_repays_first_so_that_nobody_spends_what_is_owed_back() -> None:
    taken_back({FUND: 100})
    accrued(130)

    with pytest.raises(AccountShort) as refusal, transaction.atomic():
        require_owed({FUND: 31}, now=NOW)
    assert refusal.value.facts["available"] == 30
    assert (owed(FUND), balance(FUND.receivable)) == (130, 100)

    require_owed({FUND: 30}, now=NOW)
    assert (owed(FUND), balance(FUND.receivable)) == (30, 0)


# Taking back


@pytest.mark.django_db
def test_take_back_debits_what_is_held_and_makes_the_rest_a_receivable() -> None:
    accrued(200)
    accrued(300, to=WAVE)
    spent(150)

    lines = take_back({WAVE: 300, FUND: 200})

    assert lines == [Line(FUND, 50), Line(FUND.receivable, 150), Line(WAVE, 300)]
    assert FUND.receivable.code == "receivable:msat:community_fund:msat"


@pytest.mark.django_db
def test_take_back_from_an_empty_account_is_all_receivable() -> None:
    assert take_back({FUND: 200}) == [Line(FUND.receivable, 200)]


@pytest.mark.django_db
def test_take_back_from_an_asset_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="only what is owed"):
        take_back({FLOAT: 1})


@pytest.mark.django_db
def test_reversal_after_the_fund_spent_its_share_is_repaid_by_its_next_accruals() -> None:
    """A fee of 500 sats (250 + 100 + 150) is reversed after the fund spent 80 of its 100 sats."""
    accrued(100_000)
    accrued(150_000, to=WAVE)
    spent(80_000)

    taken_back({FUND: 100_000, WAVE: 150_000})
    assert (owed(FUND), balance(FUND.receivable), owed(WAVE)) == (0, 80_000, 0)
    accrued(50_000)
    assert repay_receivables(now=NOW + HOUR) == 1
    assert (owed(FUND), balance(FUND.receivable)) == (0, 30_000)
    accrued(50_000)
    assert repay_receivables(now=NOW + 2 * HOUR) == 1
    assert (owed(FUND), balance(FUND.receivable)) == (20_000, 0)
    assert repay_receivables(now=NOW + 3 * HOUR) == 0


# Repaying


@pytest.mark.django_db
def test_repay_receivable_books_one_transaction_and_a_second_call_none() -> None:
    taken_back({FUND: 100})
    accrued(70)

    assert repay_receivable(FUND, now=NOW + HOUR) == 70
    assert repay_receivable(FUND, now=NOW + HOUR) == 0

    booked = JournalTransaction.objects.get(kind="receivable_repaid")
    assert (booked.subject, booked.posted_at) == ("account:community_fund:msat", NOW + HOUR)
    entries = dict(booked.entries.values_list("account__code", "amount"))
    assert entries == {FUND.code: 70, FUND.receivable.code: -70}


@pytest.mark.django_db
def test_repay_receivable_of_an_account_that_owes_nothing_books_nothing() -> None:
    accrued(70)

    assert repay_receivable(FUND, now=NOW) == 0
    assert not JournalTransaction.objects.filter(kind="receivable_repaid").exists()


@pytest.mark.django_db
def test_repay_receivables_repays_each_account_and_survives_sealing() -> None:
    taken_back({FUND: 100, WAVE: 40})
    seal_books(now=NOW)
    accrued(60)
    accrued(90, to=WAVE)
    seal_books(now=NOW + 2 * HOUR)

    assert repay_receivables(now=NOW + 2 * HOUR) == 2

    assert (owed(FUND), owed(WAVE)) == (0, 50)
    assert (balance(FUND.receivable), balance(WAVE.receivable)) == (40, 0)


# What people see


@pytest.mark.django_db
def test_open_receivables_are_the_oldest_first_since_they_last_rose_from_zero() -> None:
    taken_back({FUND: 10}, at=NOW)
    accrued(10)
    repay_receivable(FUND, now=NOW + HOUR)
    taken_back({WAVE: 40}, at=NOW + 2 * HOUR)
    taken_back({FUND: 7}, at=NOW + 3 * HOUR)
    taken_back({FUND: 2}, at=NOW + 4 * HOUR)
    accrued(1)
    repay_receivable(FUND, now=NOW + 5 * HOUR)

    assert open_receivables() == [
        Receivable(WAVE, 40, NOW + 2 * HOUR),
        Receivable(FUND, 8, NOW + 3 * HOUR),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("age", "status"),
    [(RECEIVABLE_OLD_AFTER, "ok"), (RECEIVABLE_OLD_AFTER + timedelta(seconds=1), "degraded")],
)
def test_health_of_receivables_is_degraded_when_the_oldest_is_old(age: timedelta, status: str) -> None:
    assert receivables(NOW).facts == {"open": 0, "oldest_age_seconds": 0}
    taken_back({FUND: 10, WAVE: 4})

    report = receivables(NOW + age)

    assert (report.status, report.facts) == (
        status,
        {"open": 2, "oldest_age_seconds": int(age.total_seconds())},
    )


@pytest.mark.django_db
def test_metrics_sum_receivables_by_role_and_currency() -> None:
    assert _samples(NOW) == {"receivables": [], "receivable_age_seconds": []}
    orange = AccountRef(AccountRole.PARTNER_RESERVE, Currency.MSAT, "orange")
    taken_back({FUND: 10, WAVE: 4, orange: 5})

    assert _samples(NOW + HOUR) == {
        "receivables": [
            ("community_fund", "msat", 10),
            ("partner_reserve", "msat", 9),
        ],
        "receivable_age_seconds": [3_600],
    }


def _samples(now: datetime) -> dict[str, list[Any]]:
    of_receivables = [metric for metric in METRICS if metric.name.startswith("receivable")]
    found = {metric.name: list(metric.read(now)) for metric in of_receivables}
    return {
        name: sorted(
            (*sample.labels.values(), sample.value) if sample.labels else sample.value for sample in samples
        )
        for name, samples in found.items()
    }


def overpaid_receivable() -> None:
    lines = [Line(FUND.receivable, -1), Line(NODE, 1)]
    post(kind="k", reference="over", lines=lines, at=NOW, subject="s")


def owed_receivable() -> None:
    taken_back({FUND: 10})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("happens", "breaches"),
    [
        (overpaid_receivable, [("I11", "account:receivable:msat:community_fund:msat", "is owed -1 msat")]),
        (owed_receivable, []),
    ],
)
@pytest.mark.parametrize("since", [None, NOW - HOUR])
def test_audit_finds_a_receivable_of_which_more_was_repaid_than_owed(
    happens: Callable[[], None], breaches: list[Any], since: datetime | None
) -> None:
    happens()

    scope = AuditScope(now=NOW, since=since)
    found = [breach for invariant in BALANCE_INVARIANTS for breach in invariant.find(scope)]

    assert [(breach.invariant, breach.subject, breach.detail) for breach in found] == breaches
