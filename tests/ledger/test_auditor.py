"""The auditor reports nothing on clean books, names each corruption, and pauses outgoing payments."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from ledger.auditor import audit, audit_and_guard, fast_window, summary
from ledger.enums import AccountRole, ConversionKind, Currency
from ledger.invariants import INVARIANTS
from ledger.invariants.schema import append_only_tables
from ledger.models import (
    Account,
    AccountCheckpoint,
    AuditRun,
    CurrencyConversion,
    JournalEntry,
    JournalTransaction,
    LedgerSeal,
)
from ledger.services import post, post_all, record_conversion, reverse, seal_books
from ledger.types import AccountRef, Line
from sunusav.core import clock
from sunusav.core.app_modules import collect
from sunusav.core.auditing import CHUNK, AuditScope, Breach, Invariant
from sunusav.core.migration_operations import AppendOnly
from sunusav.core.models import TrailEntry
from sunusav.core.switches import OutgoingPaused, outgoing, require_outgoing_open
from tests.ledger.builders import (
    BANK,
    CREDIT,
    HOUR,
    NODE,
    OTHER_CREDIT,
    POSITION_XOF,
    lines,
    posting,
    received,
    run_sql,
    stored_rate,
    triggers_dropped,
)

# Triggers are dropped and created by DDL, which no transaction undoes on MySQL.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def books() -> int:
    """Clean books: sealed, with a tail, a reversal, two currencies and a conversion; return the first transaction."""
    now = clock.now()
    first = received("r-1", 5_000, at=now)
    second = received("r-2", 7_000, to=OTHER_CREDIT, at=now)
    reverse(transaction_id=second, kind="reversal", reference="r-2:back", at=now, subject="s")
    francs = [Line(BANK, 913), Line(POSITION_XOF, -913)]
    post(kind="exchange", reference="x-1", lines=francs, at=now, subject="s")
    stored_rate("9123457", at=now)
    record_conversion(kind=ConversionKind.COLLECTION, amount=10_000_000, reference="c-1", now=now)
    seal_books(now=now - 2 * HOUR)
    received("r-3", 11_000, at=now)
    seal_books(now=now)
    received("r-4", 13_000, at=now)
    return first


def found(**options: Any) -> list[Breach]:
    report = audit(now=clock.now(), **options)
    return [*report.breaches, *report.waiting]


def journal(reference: str) -> JournalTransaction:
    return JournalTransaction.objects.get(reference=reference)


def add_entry(reference: str, ref: Any, amount: int, currency: str = "msat") -> None:
    JournalEntry.objects.create(
        transaction=journal(reference),
        account=Account.objects.get(code=ref.code),
        currency=currency,
        amount=amount,
    )


def one_entry_too_many() -> None:
    add_entry("r-4", NODE, 1)


def no_entries() -> None:
    JournalTransaction.objects.create(kind="k", reference="empty", subject="s", posted_at=clock.now())


def currency_of_another_account() -> None:
    add_entry("r-4", BANK, 5)
    add_entry("r-4", NODE, -5)


def credit_overdrawn() -> None:
    post(
        kind="k",
        reference="over",
        lines=[Line(CREDIT, 99_000), Line(NODE, -99_000)],
        at=clock.now(),
        subject="s",
    )


def amount_changed() -> None:
    with triggers_dropped("ledger_journalentry"):
        run_sql(
            "UPDATE ledger_journalentry SET amount = amount * 2 WHERE transaction_id = %s", journal("r-1").pk
        )


def entry_deleted() -> None:
    with triggers_dropped("ledger_journalentry"):
        run_sql("DELETE FROM ledger_journalentry WHERE transaction_id = %s AND amount > 0", journal("r-1").pk)


def subject_changed() -> None:
    with triggers_dropped("ledger_journaltransaction"):
        run_sql("UPDATE ledger_journaltransaction SET subject = 'other' WHERE reference = 'r-1'")


def reversal_is_no_mirror() -> None:
    with triggers_dropped("ledger_journalentry"):
        run_sql(
            "UPDATE ledger_journalentry SET amount = amount * 2 WHERE transaction_id = %s",
            journal("r-2:back").pk,
        )


def account_renamed() -> None:
    with triggers_dropped("ledger_account"):
        run_sql("UPDATE ledger_account SET owner = 'user:mine' WHERE code = %s", CREDIT.code)


def seal_removed() -> None:
    with triggers_dropped("ledger_ledgerseal"):
        run_sql("DELETE FROM ledger_ledgerseal WHERE seq = 2")


def hash_changed() -> None:
    with triggers_dropped("ledger_ledgerseal"):
        run_sql("UPDATE ledger_ledgerseal SET hash = %s WHERE seq = 2", "0" * 64)


def seals_swapped() -> None:
    first, second = LedgerSeal.objects.order_by("seq").values_list("transaction_id", flat=True)[:2]
    with triggers_dropped("ledger_ledgerseal"):
        run_sql("UPDATE ledger_ledgerseal SET transaction_id = %s WHERE seq = 1", journal("r-4").pk)
        run_sql("UPDATE ledger_ledgerseal SET transaction_id = %s WHERE seq = 2", first)
        run_sql("UPDATE ledger_ledgerseal SET transaction_id = %s WHERE seq = 1", second)


def checkpoint_changed() -> None:
    AccountCheckpoint.objects.filter(account__code=CREDIT.code).update(amount=-1)


def checkpoint_deleted() -> None:
    AccountCheckpoint.objects.filter(account__code=CREDIT.code).delete()


def floor_raised() -> None:
    AccountCheckpoint.objects.filter(account__code=CREDIT.code).update(floor=journal("r-4").pk)


def trigger_missing() -> None:
    run_sql("DROP TRIGGER ledger_journalentry_no_delete")


def conversion(**fields: Any) -> None:
    now = clock.now()
    facts = {
        "amount_msat": 10_000_000,
        "amount_xof": 913,
        "rate": stored_rate(at=now),
        "is_fallback_allowed": False,
    }
    CurrencyConversion.objects.create(
        reference="bad", kind="collection", converted_at=now, **{**facts, **fields}
    )


def rate_in_quarantine_used() -> None:
    conversion(rate=stored_rate(at=clock.now(), is_quarantined=True, quarantine_reason="jumped"))


def fallback_used_where_forbidden() -> None:
    conversion(rate=stored_rate(at=clock.now(), source="fallback", is_fallback=True))


def stale_rate_used() -> None:
    conversion(rate=stored_rate(at=clock.now() - HOUR))


def rounded_the_wrong_way() -> None:
    conversion(amount_xof=912)


CORRUPTIONS: dict[str, tuple[Callable[[], None], set[str]]] = {
    "one entry too many": (one_entry_too_many, {"I01", "I01b"}),
    "a transaction without entries": (no_entries, {"I01"}),
    "currency of another account": (currency_of_another_account, {"I02"}),
    "a credit overdrawn": (credit_overdrawn, {"I11"}),
    "an amount changed": (amount_changed, {"I18", "I19"}),
    "an entry deleted": (entry_deleted, {"I01", "I01b", "I18", "I19"}),
    "a subject changed": (subject_changed, {"I18"}),
    "a reversal that is no mirror": (reversal_is_no_mirror, {"I13", "I18", "I19"}),
    "an account renamed": (account_renamed, {"I02"}),
    "a seal removed": (seal_removed, {"I18", "I19"}),
    "a hash changed": (hash_changed, {"I18"}),
    "two seals swapped": (seals_swapped, {"I18"}),
    "a checkpoint changed": (checkpoint_changed, {"I19"}),
    "a checkpoint deleted": (checkpoint_deleted, {"I19"}),
    "a floor raised": (floor_raised, {"I19"}),
    "a trigger missing": (trigger_missing, {"I14"}),
    "a rate in quarantine used": (rate_in_quarantine_used, {"I17"}),
    "a fallback used where forbidden": (fallback_used_where_forbidden, {"I17"}),
    "a stale rate used": (stale_rate_used, {"I17"}),
    "rounded the wrong way": (rounded_the_wrong_way, {"I17"}),
}


@pytest.fixture
def triggers_restored() -> Iterator[None]:
    yield
    run_sql("DROP TRIGGER IF EXISTS ledger_journalentry_no_update")
    run_sql("DROP TRIGGER IF EXISTS ledger_journalentry_no_delete")
    with connection.schema_editor() as editor:
        AppendOnly("ledger_journalentry").database_forwards("ledger", editor, None, None)


def test_audit_clean_books_finds_nothing(books: int) -> None:
    assert found() == []
    assert found(since=fast_window(clock.now())) == []


def test_audit_empty_books_finds_nothing() -> None:
    assert found() == []
    assert found(since=fast_window(clock.now())) == []


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_audit_names_each_corruption(books: int, triggers_restored: None, name: str) -> None:
    corrupt, codes = CORRUPTIONS[name]

    corrupt()

    breaches = found()
    ours = {breach.invariant for breach in breaches if breach.invariant in {i.code for i in _ours()}}
    assert ours == codes
    assert all(breach.subject and breach.detail for breach in breaches)


def _ours() -> list[Invariant]:
    return INVARIANTS


def test_every_invariant_of_this_app_has_a_corruption() -> None:
    shown = {code for _, codes in CORRUPTIONS.values() for code in codes} | {"I20"}

    assert shown == {invariant.code for invariant in _ours()}


NEW = (
    "one entry too many", "a transaction without entries", "a credit overdrawn", "an amount changed",
    "a trigger missing", "a stale rate used", "a floor raised",
)  # fmt: skip


@pytest.mark.parametrize("name", NEW)
def test_fast_audit_finds_what_is_new(books: int, triggers_restored: None, name: str) -> None:
    corrupt, _ = CORRUPTIONS[name]

    corrupt()

    assert audit(now=clock.now(), since=fast_window(clock.now())).has_breaches


@pytest.mark.mariadb
@pytest.mark.parametrize(
    ("drop", "restore", "rule"),
    [
        (
            "ALTER TABLE ledger_currencyconversion DROP INDEX currencyconversion_reference_used_once",
            "CREATE UNIQUE INDEX currencyconversion_reference_used_once ON ledger_currencyconversion (reference)",
            "unique rule missing: currencyconversion_reference_used_once",
        ),
        (
            "ALTER TABLE ledger_journalentry DROP CONSTRAINT journalentry_amount_is_not_zero",
            "ALTER TABLE ledger_journalentry ADD CONSTRAINT journalentry_amount_is_not_zero CHECK (NOT amount = 0)",
            "check missing: journalentry_amount_is_not_zero",
        ),
    ],
    ids=["unique", "check"],
)
def test_audit_names_a_rule_dropped_from_the_schema(drop: str, restore: str, rule: str) -> None:
    run_sql(drop)
    try:
        breaches = found()
    finally:
        run_sql(restore)

    assert [(breach.invariant, breach.detail) for breach in breaches] == [("I14", rule)]


def test_append_only_tables_are_known_from_the_migrations() -> None:
    assert {"ledger_journalentry", "ledger_journaltransaction", "core_trailentry"} <= append_only_tables()


def test_audit_reports_an_unsealed_transaction_as_waiting() -> None:
    received("r-1")

    report = audit(now=clock.now() + timedelta(minutes=6))

    assert report.breaches == ()
    assert [(b.invariant, b.subject) for b in report.waiting] == [("I20", f"journal:{journal('r-1').pk}")]
    assert report.exit_code == 2
    assert outgoing().is_open


def test_audit_and_guard_on_a_breach_pauses_outgoing_and_records_it(books: int) -> None:
    one_entry_too_many()
    now = clock.now()

    report = audit_and_guard(now=now)

    with pytest.raises(OutgoingPaused):
        require_outgoing_open()
    assert report.exit_code == 1
    switch = outgoing()
    assert (switch.changed_by, switch.changed_at) == ("system:ledger.auditor", now)
    assert switch.reason.startswith(f"audit: 2 breaches of I01, I01b, first journal:{journal('r-4').pk}: ")
    line = TrailEntry.objects.get(subject="books:audit")
    assert (line.action, line.facts["count"]) == ("find_breaches", 2)
    run = AuditRun.objects.get()
    assert (run.kind, run.breaches_found, run.last_transaction_id) == ("full", 2, journal("r-4").pk)


def test_summary_of_one_breach_is_in_the_singular() -> None:
    assert summary([Breach("I01", "journal:7", "differs by 1")]) == (
        "1 breach of I01, first journal:7: differs by 1"
    )


def test_audit_and_guard_without_a_breach_leaves_the_switch(books: int) -> None:
    now = clock.now()

    assert audit_and_guard(now=now, since=fast_window(now)).exit_code == 0

    assert outgoing().is_open
    run = AuditRun.objects.get()
    assert (run.kind, run.started_at, run.checked_since) == ("fast", now, now - timedelta(hours=24))
    assert (run.breaches_found, run.waiting_found, run.last_transaction_id) == (0, 0, journal("r-4").pk)
    assert run.ended_at > run.started_at
    assert not TrailEntry.objects.filter(subject="books:audit").exists()


def breaks_half_way(scope: AuditScope) -> Iterator[Breach]:
    yield Breach("X01", "first", "found before it broke")
    raise KeyError("no such rail")


def reads_a_missing_table(scope: AuditScope) -> Iterator[Breach]:
    run_sql("SELECT * FROM no_such_table")
    yield Breach("X02", "never", "never")


def test_invariant_that_raises_hides_no_other_and_pauses_outgoing(books: int) -> None:
    one_entry_too_many()
    odd = [
        Invariant("X01", "breaks", breaks_half_way),
        Invariant("X02", "breaks in the database", reads_a_missing_table, waiting=True),
    ]

    INVARIANTS[0:0] = odd
    try:
        report = audit_and_guard(now=clock.now())
    finally:
        del INVARIANTS[: len(odd)]

    by_code = {breach.invariant: breach for breach in report.breaches}
    assert set(by_code) == {"X01", "X02", "I01", "I01b"}
    assert [b.subject for b in report.breaches if b.invariant == "X01"] == ["first", "audit"]
    assert by_code["X01"].detail == "could not be checked: KeyError: 'no such rail'"
    assert (by_code["X02"].subject, by_code["X02"].detail.split(":")[0]) == ("audit", "could not be checked")
    assert "no_such_table" in by_code["X02"].detail
    assert not outgoing().is_open


def test_audit_alone_pauses_nothing(books: int) -> None:
    one_entry_too_many()

    assert audit(now=clock.now()).has_breaches
    assert outgoing().is_open


def test_audit_checks_the_invariants_of_every_app() -> None:
    codes = {invariant.code for invariant in collect("invariants", "INVARIANTS")}

    assert set(audit(now=clock.now()).checked) == codes
    assert {"I01", "I16", "I18"} <= codes


def test_invariants_accept_a_full_scope() -> None:
    scope = AuditScope(now=clock.now())

    assert all(list(invariant.find(scope)) == [] for invariant in _ours())


def test_conversion_of_a_price_is_checked_by_its_rule() -> None:
    now = clock.now()
    rate = stored_rate("8000000", at=now)
    CurrencyConversion.objects.create(
        reference="p-1", kind="price", amount_msat=6_250_000, amount_xof=500, rate=rate, converted_at=now,
        is_fallback_allowed=False,
    )  # fmt: skip
    assert found() == []

    CurrencyConversion.objects.create(
        reference="p-2", kind="price", amount_msat=6_250_001, amount_xof=500, rate=rate, converted_at=now,
        is_fallback_allowed=False,
    )  # fmt: skip
    [breach] = found()
    assert (breach.invariant, breach.subject) == ("I17", "conversion:p-2")


def test_checkpoints_are_compared_beyond_the_first_page_of_accounts() -> None:
    owners = [f"user:{number:04}" for number in range(CHUNK + 1)]
    refs = [AccountRef(AccountRole.PARTNER_RESERVE, Currency.MSAT, owner) for owner in owners]
    post_all([posting(ref.owner, lines=tuple(lines(1_000, to=ref)), at=clock.now()) for ref in refs])
    seal_books(now=clock.now())
    AccountCheckpoint.objects.filter(account__code=refs[-1].code).update(amount=-999)
    AccountCheckpoint.objects.filter(account__code=refs[-2].code).delete()

    assert [(breach.invariant, breach.subject, breach.detail) for breach in found()] == [
        ("I19", f"account:{refs[-2].code}", "no checkpoint, sealed entries -1000"),
        ("I19", f"account:{refs[-1].code}", "checkpoint -999, sealed entries -1000"),
    ]
