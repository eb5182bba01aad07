from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.models import Account, AccountCheckpoint, JournalEntry, JournalTransaction, LedgerSeal
from ledger.queries import balance, balances
from ledger.services import reverse, seal_books
from sunusav.core.sealing import GENESIS, chain_hash
from tests.ledger.builders import (
    CREDIT,
    HOUR,
    NODE,
    NOW,
    OTHER_CREDIT,
    broken_links,
    plain_sum,
    received,
    rolled_back,
)

pytestmark = pytest.mark.django_db
ACCOUNTS = [NODE, CREDIT, OTHER_CREDIT]
SECOND = timedelta(seconds=1)


def late(pk: int, amount: int) -> None:
    """Append a transaction as if it had been inserted long ago and committed only now."""
    row = JournalTransaction.objects.create(
        pk=pk, kind="late", reference=f"late-{pk}", subject="s", posted_at=NOW
    )
    for ref, sign in ((NODE, 1), (CREDIT, -1)):
        JournalEntry.objects.create(
            transaction=row, account=Account.objects.get(code=ref.code), currency="msat", amount=sign * amount
        )


def test_seal_chains_every_transaction_once() -> None:
    ids = [received(f"r-{number}") for number in range(3)]

    assert seal_books(now=NOW) == 3
    assert seal_books(now=NOW) == 0

    seals = list(LedgerSeal.objects.order_by("seq").values_list("seq", "transaction_id"))
    assert seals == [(1, ids[0]), (2, ids[1]), (3, ids[2])]
    assert broken_links() == []


def test_seal_covers_the_entries() -> None:
    pk = received("r-1", 7)
    seal_books(now=NOW)

    row = JournalTransaction.objects.get(pk=pk)
    entries = [[entry.pk, entry.account.code, "msat", entry.amount] for entry in row.entries.order_by("id")]
    body = {
        "id": pk, "kind": "deposit", "reference": "r-1", "subject": "user:one", "entries": entries,
        "posted_at": row.posted_at.isoformat(), "recorded_at": row.recorded_at.isoformat(), "reverses": None,
    }  # fmt: skip
    assert LedgerSeal.objects.get().hash == chain_hash(GENESIS, body)


def test_seal_takes_no_more_than_its_limit() -> None:
    for number in range(5):
        received(f"r-{number}")

    assert [seal_books(now=NOW, limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert balance(CREDIT) == plain_sum(CREDIT)


def test_seal_moves_the_checkpoints_of_touched_accounts_only() -> None:
    received("r-1", 5)
    seal_books(now=NOW)
    received("r-2", 7, to=OTHER_CREDIT)
    seal_books(now=NOW)

    rows = AccountCheckpoint.objects.order_by("account__code").values_list(
        "account__code", "amount", "sealed_seq"
    )
    assert list(rows) == [(NODE.code, 12, 2), (CREDIT.code, -5, 1), (OTHER_CREDIT.code, -7, 2)]


def test_balance_is_one_statement_before_and_after_sealing(django_assert_num_queries) -> None:
    """Of several accounts, the keys and the floor are read before: one statement has the sums."""
    received("r-1")
    seal_books(now=NOW)
    received("r-2")

    with django_assert_num_queries(1):
        assert balance(CREDIT) == -2_000
    with django_assert_num_queries(3) as queries:
        assert balances(ACCOUNTS) == {NODE: 2_000, CREDIT: -2_000, OTHER_CREDIT: 0}
    assert ["amount" in query["sql"] for query in queries] == [False, False, True]


def test_floor_follows_an_hour_behind() -> None:
    first = received("r-1")
    seal_books(now=NOW)
    assert set(AccountCheckpoint.objects.values_list("floor", flat=True)) == {0}

    received("r-2")
    seal_books(now=NOW + HOUR + SECOND)

    assert set(AccountCheckpoint.objects.values_list("floor", flat=True)) == {first}


def test_late_commit_after_a_long_pause_of_the_sealer_is_sealed_and_counted() -> None:
    """Its id is below that of a row sealed hours ago; a floor taken from that row alone would skip it."""
    received("r-1")
    late(1_000_002, 5)
    seal_books(now=NOW)

    late(1_000_001, 3)
    seal_books(now=NOW + 2 * HOUR)
    assert (balance(CREDIT), plain_sum(CREDIT)) == (-1_008, -1_008)

    received("r-2")
    seal_books(now=NOW + 4 * HOUR)
    assert (balance(CREDIT), plain_sum(CREDIT)) == (-2_008, -2_008)
    assert LedgerSeal.objects.count() == 4
    assert broken_links() == []


def test_pass_cut_short_keeps_the_floor_below_what_it_left() -> None:
    received("r-1")
    late(2_000_000, 5)
    seal_books(now=NOW)
    for pk in (1_000_001, 1_000_002, 1_000_003):
        late(pk, 1)

    for step in range(3):
        seal_books(now=NOW + (2 + step) * HOUR, limit=1)
        assert balance(CREDIT) == plain_sum(CREDIT)

    assert LedgerSeal.objects.count() == 5


actions = st.lists(
    st.one_of(
        st.tuples(st.just("post"), st.integers(1, 10**6), st.sampled_from([CREDIT, OTHER_CREDIT])),
        st.tuples(st.just("seal"), st.integers(1, 4), st.integers(0, 5_000)),
        st.tuples(st.just("reverse"), st.integers(0, 30), st.none()),
    ),
    max_size=25,
)


@given(actions)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_balance_equals_the_sum_of_entries_in_any_order_of_posting_and_sealing(
    db: None, actions: list
) -> None:
    with rolled_back():
        now, posted = NOW, []
        for step, (action, number, detail) in enumerate(actions):
            if action == "post":
                posted.append(received(f"r-{step}", number, to=detail))
            elif action == "reverse" and posted:
                reverse(transaction_id=posted.pop(), kind="back", reference=f"b-{step}", at=NOW, subject="s")
            elif action == "seal":
                now += timedelta(seconds=detail)
                seal_books(now=now, limit=number)
            assert balances(ACCOUNTS) == {ref: plain_sum(ref) for ref in ACCOUNTS}
        assert broken_links() == []


@given(actions)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_checkpoints_are_the_sums_of_sealed_entries(db: None, actions: list) -> None:
    with rolled_back():
        for step, (action, number, detail) in enumerate(actions):
            if action == "post":
                received(f"r-{step}", number, to=detail)
            elif action == "seal":
                seal_books(now=NOW + timedelta(hours=step), limit=number)
        for checkpoint in AccountCheckpoint.objects.all():
            sealed = JournalEntry.objects.filter(account=checkpoint.account, transaction__seal__isnull=False)
            assert checkpoint.amount == sum(sealed.values_list("amount", flat=True))


def test_fast_audit_of_the_chain_starts_from_the_link_before() -> None:
    received("r-1")
    seal_books(now=NOW)
    received("r-2")
    seal_books(now=NOW + HOUR)

    assert broken_links(since=NOW + HOUR) == []
    assert broken_links(since=NOW) == []
