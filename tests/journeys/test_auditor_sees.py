"""The audit is green after a rich history, and red, by the invariant's code and the row, after each corruption.

The corruptions are made by raw SQL with triggers, foreign keys and checks out of the way, as somebody with the
database's password could.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker

from fees.models import FeeAssessment, FeeRecord
from fees.queries import forget_schedules
from ledger.auditor import AuditReport, audit, audit_and_guard
from ledger.enums import AccountRole
from ledger.models import (
    Account,
    AccountCheckpoint,
    CurrencyConversion,
    JournalEntry,
    JournalTransaction,
    LedgerSeal,
)
from ledger.schema import append_only_tables
from sunusav.core.models import Approval, TrailEntry
from sunusav.core.switches import outgoing
from tests.journeys.history import AUDITED_AT, History, live_through
from tests.support import baseline
from tests.support.flush import flush
from tests.support.vandal import (
    drop_constraint,
    drop_triggers,
    put_constraint_back,
    put_triggers_back,
    sql,
    vandalised,
)
from tests.transfers.rails import SteeredRail
from transfers.collectors import collector
from transfers.models import Attempt, Collection, Disbursement, PaymentOrder, Receipt
from transfers.rails import rail

pytestmark = pytest.mark.django_db

Expected = tuple[str, str]  # the invariant's code, the subject that is named
STEERED = {
    "RAILS": {"lightning": "tests.transfers.rails.SteeredRail"},
    "COLLECTORS": {"lightning": "tests.transfers.rails.SteeredCollector"},
}


@dataclass(frozen=True)
class Lived:
    """A history, and what the audit said of it while all defences were up."""

    history: History
    report: AuditReport


@pytest.fixture(scope="module")
def lived(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Lived]:
    """Live through it once, then take triggers and one unique rule away; put all back when the rows are gone."""
    with django_db_blocker.unblock():
        with override_settings(**STEERED):
            forget()
            node = rail("lightning")
            assert isinstance(node, SteeredRail)
            history = live_through(node)
            report = audit(now=AUDITED_AT)
        drop_triggers()
        drop_constraint(Attempt, "disbursement_one_live_attempt")
        yield Lived(history, report)
        flush(connection)
        baseline.restore(connection)
        put_constraint_back(Attempt, "disbursement_one_live_attempt")
        put_triggers_back()
        forget()


@pytest.fixture
def history(lived: Lived, our_node: None, settings: Settings) -> History:
    for name, value in STEERED.items():
        setattr(settings, name, value)
    forget()
    return lived.history


def forget() -> None:
    """Forget what is kept in memory of another database."""
    for cache in (rail.cache_clear, collector.cache_clear, forget_schedules):
        cache()


def found() -> set[Expected]:
    """Return what a red audit names, but for the defences that this module took away itself."""
    return {breach for breach in all_found() if breach[0] != "I14"}


def all_found() -> set[Expected]:
    return {(breach.invariant, breach.subject) for breach in audit(now=AUDITED_AT).breaches}


def a_name(disbursement_id: int, attempt: int | None = None) -> str:
    name = f"disbursement:{disbursement_id}"
    return name if attempt is None else f"{name}:attempt:{attempt}"


def payment_of(history: History) -> int:
    """Return the journal transaction that booked the first payment."""
    booked = history.attempt(history.paid).close_transaction_id
    assert booked is not None
    return booked


def entry_of(transaction_id: int, role: AccountRole) -> JournalEntry:
    return JournalEntry.objects.get(transaction_id=transaction_id, account__role=role)


# the books


def unbalance_an_entry(history: History) -> Expected:
    entry = entry_of(payment_of(history), AccountRole.NODE)
    sql("UPDATE ledger_journalentry SET amount = amount + 1 WHERE id = %s", entry.pk)
    return "I01", f"journal:{payment_of(history)}"


def delete_an_entry(history: History) -> Expected:
    entry = entry_of(payment_of(history), AccountRole.PLATFORM_FEE_INCOME)
    sql("DELETE FROM ledger_journalentry WHERE id = %s", entry.pk)
    return "I01", f"journal:{payment_of(history)}"


def move_an_entry_to_another_currency(history: History) -> Expected:
    entry = entry_of(payment_of(history), AccountRole.NODE)
    sql("UPDATE ledger_journalentry SET currency = 'XOF' WHERE id = %s", entry.pk)
    return "I02", f"entry:{entry.pk}"


def rename_an_account(history: History) -> Expected:
    account = Account.objects.get(role=AccountRole.COMMUNITY_FUND)
    sql("UPDATE ledger_account SET role = 'bank' WHERE id = %s", account.pk)
    return "I02", f"account:{account.pk}"


def take_from_the_fund_what_it_never_had(history: History) -> Expected:
    entry = entry_of(payment_of(history), AccountRole.COMMUNITY_FUND)
    checkpoint = AccountCheckpoint.objects.get(account=entry.account)
    sql("UPDATE ledger_accountcheckpoint SET amount = 1000000 WHERE account_id = %s", checkpoint.pk)
    return "I11", f"account:{entry.account.code}"


def move_a_sealed_amount_between_two_entries(history: History) -> Expected:
    """Balanced, so only the chain of hashes knows."""
    for role, msat in ((AccountRole.PLATFORM_FEE_INCOME, -1_000), (AccountRole.COMMUNITY_FUND, 1_000)):
        entry = entry_of(payment_of(history), role)
        sql("UPDATE ledger_journalentry SET amount = amount + %s WHERE id = %s", msat, entry.pk)
    return "I18", f"books:{LedgerSeal.objects.get(transaction_id=payment_of(history)).pk}"


def delete_a_sealed_transaction(history: History) -> Expected:
    transaction_id = payment_of(history)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM ledger_journalentry WHERE transaction_id = %s", [transaction_id])
    sql("DELETE FROM ledger_journaltransaction WHERE id = %s", transaction_id)
    return "I08", a_name(history.paid, 1)


def falsify_a_checkpoint(history: History) -> Expected:
    account = Account.objects.get(role=AccountRole.NODE)
    sql("UPDATE ledger_accountcheckpoint SET amount = amount + 1 WHERE account_id = %s", account.pk)
    return "I19", f"account:{account.code}"


def use_a_fallback_rate_where_it_was_not_allowed(history: History) -> Expected:
    conversion = CurrencyConversion.objects.get()
    sql("UPDATE ledger_currencyconversion SET is_fallback_allowed = %s WHERE id = %s", False, conversion.pk)
    return "I17", f"conversion:{conversion.reference}"


def convert_one_franc_too_much(history: History) -> Expected:
    conversion = CurrencyConversion.objects.get()
    sql("UPDATE ledger_currencyconversion SET amount_xof = amount_xof + 1 WHERE id = %s", conversion.pk)
    return "I17", f"conversion:{conversion.reference}"


def put_a_used_rate_in_quarantine(history: History) -> Expected:
    assessment = FeeAssessment.objects.order_by("id")[0]
    sql("UPDATE ledger_exchangerate SET is_quarantined = %s WHERE id = %s", True, assessment.rate_id)
    return "I17", f"feeassessment:{assessment.pk}"


# fees


def move_a_share_of_a_fee_record(history: History) -> Expected:
    record = FeeRecord.objects.order_by("id")[0]
    sql(
        "UPDATE fees_feerecord SET platform_sats = platform_sats + 1, community_sats = community_sats - 1 "
        "WHERE id = %s",
        record.pk,
    )
    return "I03b", f"fee_record:{record.pk}"


def lose_a_sat_of_a_share(history: History) -> Expected:
    record = FeeRecord.objects.order_by("id")[0]
    sql("UPDATE fees_feerecord SET partner_sats = partner_sats - 1 WHERE id = %s", record.pk)
    return "I03", f"fee_record:{record.pk}"


def lower_a_fixed_fee(history: History) -> Expected:
    assessment = FeeAssessment.objects.order_by("id")[0]
    sql(
        "UPDATE fees_feeassessment SET fee_sats = fee_sats - 1, platform_sats = platform_sats - 1, "
        "net_sats = net_sats + 1 WHERE id = %s",
        assessment.pk,
    )
    return "I03c", f"fee_assessment:{assessment.pk}"


def delete_a_fee_record(history: History) -> Expected:
    record = FeeRecord.objects.get(disbursement_ref=a_name(history.paid))
    sql("DELETE FROM fees_feerecord WHERE id = %s", record.pk)
    return "I08", a_name(history.paid)


# disbursements and attempts


def raise_a_net(history: History) -> Expected:
    sql("UPDATE transfers_disbursement SET net_sats = net_sats + 1 WHERE id = %s", history.paid)
    return "I04", a_name(history.paid)


def call_one_paid_without_an_attempt(history: History) -> Expected:
    sql(
        "UPDATE transfers_disbursement SET state = 'completed', completed_at = requested_at WHERE id = %s",
        history.cancelled,
    )
    return "I05", a_name(history.cancelled)


def call_a_paid_one_failed(history: History) -> Expected:
    sql("UPDATE transfers_disbursement SET state = 'failed', completed_at = NULL WHERE id = %s", history.paid)
    return "I05", a_name(history.paid)


def change_what_was_ordered(history: History) -> Expected:
    order = PaymentOrder.objects.get(disbursement_id=history.paid)
    sql("UPDATE transfers_paymentorder SET amount_msat = amount_msat + 1 WHERE id = %s", order.pk)
    return "I06", a_name(history.paid, 1)


def replace_a_proof(history: History) -> Expected:
    sql("UPDATE transfers_attempt SET proof = %s WHERE disbursement_id = %s", "00" * 32, history.paid)
    return "I07", a_name(history.paid, 1)


def change_a_routing_cost(history: History) -> Expected:
    sql("UPDATE transfers_attempt SET cost_msat = cost_msat + 1 WHERE disbursement_id = %s", history.paid)
    return "I09", a_name(history.paid, 1)


def leave_the_hold_of_a_failed_attempt(history: History) -> Expected:
    attempt = history.attempt(history.cancelled)
    sql("UPDATE ledger_journaltransaction SET reverses_id = NULL WHERE id = %s", attempt.close_transaction_id)
    return "I13", a_name(history.cancelled, 1)


def void_the_hold_of_an_open_attempt(history: History) -> Expected:
    attempt = history.attempt(history.in_flight)
    hold = JournalTransaction.objects.get(pk=attempt.hold_transaction_id)
    sql(
        "INSERT INTO ledger_journaltransaction (kind, reference, subject, posted_at, recorded_at, reverses_id) "
        "VALUES ('hold_void', 'by-hand', %s, %s, %s, %s)",
        hold.subject,
        hold.posted_at.replace(tzinfo=None),
        hold.recorded_at.replace(tzinfo=None),
        hold.pk,
    )
    return "I13", a_name(history.in_flight, 1)


def call_an_open_attempt_void(history: History) -> Expected:
    attempt = history.attempt(history.in_flight)
    sql(
        "UPDATE transfers_attempt SET state = 'void', closed_at = opened_at, close_transaction_id = NULL "
        "WHERE id = %s",
        attempt.pk,
    )
    return "I13", "account:in_transit"


# money in


def book_a_receipt_as_something_else(history: History) -> Expected:
    receipt = Receipt.objects.order_by("id")[0]
    sql("UPDATE ledger_journaltransaction SET kind = 'gift' WHERE id = %s", receipt.transaction_id)
    return "I08", f"receipt:{receipt.pk}"


def raise_what_a_collection_received(history: History) -> Expected:
    row = Collection.objects.filter(received_msat=60_000_000).get()
    sql("UPDATE transfers_collection SET received_msat = received_msat + 1 WHERE id = %s", row.pk)
    return "I08", f"collection:{row.pk}"


def call_a_collecting_cycle_ready(history: History) -> Expected:
    sql("UPDATE payouts_cycle SET state = 'ready', ready_at = created_at WHERE id = %s", history.collecting)
    return "I05", f"cycle:{history.collecting}"


# people


def let_the_proposer_approve(history: History) -> Expected:
    approval = Approval.objects.get()
    sql("UPDATE core_approval SET approver_id = proposer_id WHERE id = %s", approval.pk)
    return "I16", f"approval:{approval.pk}"


def lie_about_who_proposed(history: History) -> Expected:
    approval = Approval.objects.get()
    sql("UPDATE core_approval SET proposer_id = approver_id WHERE id = %s", approval.pk)
    return "I16", f"approval:{approval.pk}"


def edit_the_trail(history: History) -> Expected:
    entry = TrailEntry.objects.select_related("seal").order_by("id")[3]
    sql("UPDATE core_trailentry SET reason = 'nothing to see' WHERE id = %s", entry.pk)
    return "I18", f"trail:{entry.seal.seq}"


def delete_from_the_trail(history: History) -> Expected:
    entry = TrailEntry.objects.select_related("seal").order_by("id")[3]
    sql("DELETE FROM core_trailentry WHERE id = %s", entry.pk)
    return "I18", f"trail:{entry.seal.seq}"


def delete_from_the_trail_with_its_seal(history: History) -> Expected:
    entry = TrailEntry.objects.select_related("seal").order_by("id")[3]
    sql("DELETE FROM core_trailseal WHERE entry_id = %s", entry.pk)
    sql("DELETE FROM core_trailentry WHERE id = %s", entry.pk)
    return "I18", f"trail:{entry.seal.seq}"


CORRUPTIONS: list[Callable[[History], Expected]] = [
    unbalance_an_entry, delete_an_entry, move_an_entry_to_another_currency, rename_an_account,
    take_from_the_fund_what_it_never_had, move_a_sealed_amount_between_two_entries, delete_a_sealed_transaction,
    falsify_a_checkpoint, use_a_fallback_rate_where_it_was_not_allowed, convert_one_franc_too_much,
    put_a_used_rate_in_quarantine, move_a_share_of_a_fee_record, lose_a_sat_of_a_share, lower_a_fixed_fee,
    delete_a_fee_record, raise_a_net, call_one_paid_without_an_attempt, call_a_paid_one_failed,
    change_what_was_ordered, replace_a_proof, change_a_routing_cost, leave_the_hold_of_a_failed_attempt,
    void_the_hold_of_an_open_attempt, call_an_open_attempt_void, book_a_receipt_as_something_else,
    raise_what_a_collection_received, call_a_collecting_cycle_ready, let_the_proposer_approve,
    lie_about_who_proposed, edit_the_trail, delete_from_the_trail, delete_from_the_trail_with_its_seal,
]  # fmt: skip


def test_audit_after_a_rich_history_is_green(lived: Lived, history: History) -> None:
    assert dict(Disbursement.objects.values_list("id", "state")) == {
        history.paid: "completed",
        history.retried: "completed",
        history.cancelled: "cancelled",
        history.in_flight: "processing",
    }
    assert (lived.report.breaches, lived.report.waiting, lived.report.exit_code) == ((), (), 0)


@pytest.mark.parametrize("corrupt", CORRUPTIONS, ids=lambda corrupt: corrupt.__name__)
def test_audit_names_each_corruption(corrupt: Callable[[History], Expected], history: History) -> None:
    with vandalised():
        expected = corrupt(history)
        assert expected in found()


def test_audit_names_two_succeeded_attempts(history: History) -> None:
    """Without its unique rule, which the audit misses too."""
    with vandalised():
        sql(
            "UPDATE transfers_attempt SET state = 'succeeded', proof = %s, cost_msat = 1500 WHERE id = %s",
            history.attempt(history.retried, 2).proof,
            history.attempt(history.retried, 1).pk,
        )
        assert {("I05", a_name(history.retried)), ("I14", "table:transfers_attempt")} <= all_found()


def test_audit_names_every_table_whose_triggers_are_gone(history: History) -> None:
    assert {("I14", f"table:{table}") for table in append_only_tables()} <= all_found()


def test_audit_that_is_red_closes_the_outgoing_switch_and_says_why(history: History) -> None:
    with vandalised():
        replace_a_proof(history)
        report = audit_and_guard(now=AUDITED_AT)

        assert (report.is_red, outgoing().is_open) == (True, False)
        assert "I07" in outgoing().reason
        assert TrailEntry.objects.get(action="find_breaches").facts["count"] == len(report.breaches)


def test_audit_books_command_names_the_breach_and_exits_with_1(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    with vandalised():
        replace_a_proof(history)
        with pytest.raises(SystemExit) as ended:
            call_command("audit_books", "--no-pause")

    assert ended.value.code == 1
    assert f"breach  I07  {a_name(history.paid, 1)}  " in capsys.readouterr().out
