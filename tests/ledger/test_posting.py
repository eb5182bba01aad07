from datetime import datetime
from typing import Any

import pytest
from django.db import transaction

from ledger.enums import KIND_OF_ROLE, AccountKind, AccountRole, Currency
from ledger.errors import (
    JournalTransactionMissing,
    PostingMalformed,
    PostingUnbalanced,
    ReferenceUsed,
    ReversalExists,
)
from ledger.models import Account, JournalEntry, JournalTransaction
from ledger.queries import (
    balance,
    balance_pages,
    balances,
    balances_by_owner,
    lines_of,
    owed,
    owners_posted_to,
    totals_of,
    transaction_for,
)
from ledger.services import post, post_all, reverse, seal_books
from ledger.types import AccountRef, Line, credit, debit
from sunusav.core import clock
from tests.ledger.builders import (
    BANK,
    CREDIT,
    HOUR,
    NODE,
    NOW,
    OTHER_CREDIT,
    POSITION_MSAT,
    POSITION_XOF,
    lines,
    posting,
    received,
)

pytestmark = pytest.mark.django_db
FRACTION: Any = 1.0


def nothing_was_written() -> bool:
    return not JournalTransaction.objects.exists() and not JournalEntry.objects.exists()


def test_post_writes_the_lines_as_given() -> None:
    pk = post(
        kind="deposit",
        reference="r-1",
        lines=[debit(NODE, 1_000), credit(CREDIT, 1_000)],
        at=NOW,
        subject="s",
    )

    row = JournalTransaction.objects.get(pk=pk)
    assert (row.kind, row.reference, row.subject, row.posted_at) == ("deposit", "r-1", "s", NOW)
    assert lines_of(pk) == [Line(NODE, 1_000), Line(CREDIT, -1_000)]
    assert (balance(NODE), balance(CREDIT), owed(CREDIT)) == (1_000, -1_000, 1_000)


def test_post_merges_nothing() -> None:
    pk = post(kind="k", reference="r", lines=[*lines(5), *lines(7)], at=NOW, subject="s")

    assert [line.amount for line in lines_of(pk)] == [5, -5, 7, -7]


def test_post_balances_each_currency_by_itself() -> None:
    pk = post(
        kind="exchange", reference="r", at=NOW, subject="s",
        lines=[Line(BANK, 913), Line(POSITION_XOF, -913), Line(POSITION_MSAT, 10_000_000), Line(NODE, -10_000_000)],
    )  # fmt: skip

    assert len(lines_of(pk)) == 4
    assert balances([BANK, NODE, CREDIT]) == {BANK: 913, NODE: -10_000_000, CREDIT: 0}


def test_post_costs_two_statements_once_accounts_exist(django_assert_num_queries) -> None:
    received("r-1")

    with django_assert_num_queries(2):
        received("r-2")


def test_post_costs_four_statements_when_accounts_are_new(django_assert_num_queries) -> None:
    with django_assert_num_queries(4):
        received("r-1")


def test_post_same_reference_and_content_returns_the_stored_id() -> None:
    first = received("r-1")

    assert received("r-1", at=NOW + HOUR) == first
    assert JournalTransaction.objects.count() == 1
    assert JournalEntry.objects.count() == 2


def test_post_same_content_in_another_order_is_the_same() -> None:
    first = received("r-1")

    assert post(kind="deposit", reference="r-1", lines=lines()[::-1], at=NOW, subject="user:one") == first


@pytest.mark.parametrize(
    "change",
    [{"kind": "other"}, {"subject": "other"}, {"lines": lines(999)}, {"lines": lines(to=OTHER_CREDIT)}],
    ids=["kind", "subject", "amount", "account"],
)
def test_post_same_reference_with_other_content_refused(change: dict[str, Any]) -> None:
    first = received("r-1")
    facts: dict[str, Any] = {"kind": "deposit", "lines": lines(), "subject": "user:one", **change}

    with pytest.raises(ReferenceUsed) as refusal:
        post(reference="r-1", at=NOW, **facts)

    assert refusal.value.facts == {"reference": "r-1", "stored_id": first}
    assert JournalEntry.objects.count() == 2


def test_references_differ_by_case_and_accent() -> None:
    assert len({received("ref-a"), received("REF-A"), received("réf-a")}) == 3


def test_post_refused_leaves_the_callers_transaction_usable() -> None:
    received("r-1")

    with transaction.atomic():
        with pytest.raises(ReferenceUsed):
            received("r-1", 2)
        received("r-2")

    assert transaction_for("r-2") is not None


def test_post_joins_the_callers_transaction() -> None:
    with transaction.atomic():
        received("r-1")
        transaction.set_rollback(True)

    assert nothing_was_written()
    assert not Account.objects.exists()


@pytest.mark.parametrize(
    ("given_lines", "currency", "difference"),
    [
        ([Line(NODE, 1_000), Line(CREDIT, -999)], "msat", 1),
        ([Line(NODE, 1_000), Line(BANK, -1_000)], "msat", 1_000),
        ([Line(NODE, 5), Line(CREDIT, -5), Line(BANK, 3), Line(POSITION_XOF, -4)], "XOF", -1),
    ],
)
def test_post_unbalanced_refused(given_lines: list[Line], currency: str, difference: int) -> None:
    with pytest.raises(PostingUnbalanced) as refusal:
        post(kind="k", reference="r", lines=given_lines, at=NOW, subject="s")

    assert refusal.value.facts == {"reference": "r", "currency": currency, "difference": difference}
    assert nothing_was_written()


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("lines", (), "fewer than two lines"),
        ("lines", (Line(NODE, 1),), "fewer than two lines"),
        ("lines", (Line(NODE, 0), Line(CREDIT, 0)), f"0 is zero, or its size is above {21 * 10**17}"),
        ("lines", (Line(NODE, FRACTION), Line(CREDIT, -FRACTION)), "1.0 is not a whole number"),
        ("lines", (Line(NODE, True), Line(CREDIT, -1)), "True is not a whole number"),
        ("lines", tuple(lines(21 * 10**17 + 1)), f"{21 * 10**17 + 1} is zero, or its size is above {21 * 10**17}"),
        ("lines", tuple(lines(to=AccountRef(AccountRole.PARTNER_RESERVE, Currency.MSAT, "x" * 105))), "an owner"),
        ("kind", "", "kind must have 1 to 40 characters"),
        ("reference", "x" * 121, "reference must have 1 to 120 characters"),
        ("subject", "", "subject must have 1 to 120 characters"),
        ("at", datetime(2026, 1, 1), "the moment has no time zone"),  # noqa: DTZ001  (what is refused)
    ],
)  # fmt: skip
def test_post_malformed_refused(field: str, value: Any, problem: str) -> None:
    facts: dict[str, Any] = {
        "kind": "k",
        "reference": "r",
        "lines": lines(),
        "at": NOW,
        "subject": "s",
        field: value,
    }

    with pytest.raises(PostingMalformed) as refusal:
        post(**facts)

    assert refusal.value.problem.startswith(problem)
    assert nothing_was_written()


def test_reverse_posts_the_mirror() -> None:
    first = received("r-1")

    mirror = reverse(transaction_id=first, kind="reversal", reference="r-1:back", at=NOW, subject="s")

    assert lines_of(mirror) == [Line(NODE, -1_000), Line(CREDIT, 1_000)]
    assert JournalTransaction.objects.get(pk=first).reversed_by.pk == mirror
    assert (balance(NODE), balance(CREDIT)) == (0, 0)


def test_reverse_again_with_the_same_reference_returns_the_stored_id() -> None:
    first = received("r-1")
    mirror = reverse(transaction_id=first, kind="reversal", reference="back", at=NOW, subject="s")

    assert reverse(transaction_id=first, kind="reversal", reference="back", at=NOW, subject="s") == mirror


def test_reverse_twice_refused() -> None:
    first = received("r-1")
    mirror = reverse(transaction_id=first, kind="reversal", reference="back", at=NOW, subject="s")

    with pytest.raises(ReversalExists) as refusal:
        reverse(transaction_id=first, kind="reversal", reference="back again", at=NOW, subject="s")

    assert refusal.value.facts == {"transaction_id": first, "reversal_id": mirror}
    assert balance(CREDIT) == 0


def test_reverse_a_reversal_restores() -> None:
    first = received("r-1")
    mirror = reverse(transaction_id=first, kind="reversal", reference="back", at=NOW, subject="s")

    reverse(transaction_id=mirror, kind="reversal", reference="forth", at=NOW, subject="s")

    assert owed(CREDIT) == 1_000


def test_reverse_missing_refused() -> None:
    with pytest.raises(JournalTransactionMissing) as refusal:
        reverse(transaction_id=404, kind="reversal", reference="back", at=NOW, subject="s")

    assert refusal.value.facts == {"transaction_id": 404}


def test_post_all_returns_ids_in_order() -> None:
    ids = post_all([posting(f"r-{number}", number + 1) for number in range(30)])

    assert [transaction_for(f"r-{number}") for number in range(30)] == ids
    assert [lines_of(pk)[0].amount for pk in ids] == list(range(1, 31))
    assert owed(CREDIT) == sum(range(1, 31))


def test_post_all_costs_few_statements(django_assert_max_num_queries) -> None:
    received("first")

    with django_assert_max_num_queries(8):
        post_all([posting(f"r-{number}") for number in range(200)])


def test_post_all_returns_what_is_stored_already() -> None:
    stored = received("r-1")

    ids = post_all([posting("r-0"), posting("r-1"), posting("r-2"), posting("r-2")])

    assert ids[1] == stored
    assert ids[2] == ids[3]
    assert JournalTransaction.objects.count() == 3


def test_post_all_with_one_refused_writes_none() -> None:
    received("r-1")

    with pytest.raises(ReferenceUsed):
        post_all([posting("r-0"), posting("r-1", 2), posting("r-2")])

    assert transaction_for("r-0") is None
    assert JournalEntry.objects.count() == 2


def test_post_all_with_one_unbalanced_writes_none() -> None:
    with pytest.raises(PostingUnbalanced):
        post_all([posting("r-0"), posting("r-1", lines=(Line(NODE, 2), Line(CREDIT, -1)))])

    assert nothing_was_written()


def test_post_all_reverses_too() -> None:
    first = received("r-1")

    [mirror] = post_all([posting("back", -1_000, reverses_id=first)])

    assert JournalTransaction.objects.get(pk=first).reversed_by.pk == mirror


def test_post_all_of_nothing_is_nothing() -> None:
    assert post_all([]) == []


def test_account_codes_are_readable_and_exact() -> None:
    received("r-1")
    received("r-2", to=AccountRef(AccountRole.PARTNER_RESERVE, Currency.MSAT, "user:ONE"))

    assert sorted(Account.objects.values_list("code", flat=True)) == [
        "node:msat",
        "partner_reserve:msat:user:ONE",
        "partner_reserve:msat:user:one",
    ]
    assert balances_by_owner(AccountRole.PARTNER_RESERVE, Currency.MSAT) == {
        "user:one": -1_000,
        "user:ONE": -1_000,
    }


def test_sums_never_mix_currencies() -> None:
    """One owner has an account of the same role in each currency, and one transaction moves both."""
    msat, xof = (AccountRef(AccountRole.PARTNER_CHARGES, currency, "wave") for currency in Currency)
    legs = [Line(msat, 7_000), Line(NODE, -7_000), Line(xof, 13), Line(BANK, -13)]
    booked = post(kind="k", reference="both", lines=legs, at=NOW, subject="s")
    for currency, ref, amount in ((Currency.MSAT, msat, 7_000), (Currency.XOF, xof, 13)):
        role = ref.role
        assert (balance(ref), owed(ref), balances([ref])) == (amount, -amount, {ref: amount})
        assert balances_by_owner(role, currency) == {"wave": amount}
        assert list(balance_pages(role, currency)) == [{"wave": amount}]
        assert totals_of([booked], roles=[role], currency=currency) == {booked: amount}
        seal_books(now=NOW)


def test_owners_posted_to_are_those_of_one_currency_since_a_moment() -> None:
    before = clock.now()
    legs = [Line(BANK, 13), Line(AccountRef(AccountRole.PARTNER_RESERVE, Currency.XOF, "user:two"), -13)]
    post(kind="k", reference="francs", lines=legs, at=NOW, subject="s")
    received("r-1")

    assert owners_posted_to(AccountRole.PARTNER_RESERVE, Currency.MSAT, since=before) == ["user:one"]
    assert owners_posted_to(AccountRole.PARTNER_RESERVE, Currency.XOF, since=before) == ["user:two"]
    assert owners_posted_to(AccountRole.PARTNER_RESERVE, Currency.MSAT, since=clock.now()) == []


def test_balance_of_an_account_never_used_is_nothing() -> None:
    assert balance(CREDIT) == 0


def test_every_role_has_a_kind_and_every_kind_a_role() -> None:
    assert (set(KIND_OF_ROLE), set(KIND_OF_ROLE.values())) == (set(AccountRole), set(AccountKind))
