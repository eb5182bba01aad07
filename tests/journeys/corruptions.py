"""Corruptions of a history by raw SQL; each function makes one and returns what the audit must name."""

from collections.abc import Callable

from django.db import connection

from fees.models import FeeAssessment, FeeRecord
from ledger.enums import AccountRole
from ledger.models import (
    Account,
    AccountCheckpoint,
    CurrencyConversion,
    JournalEntry,
    JournalTransaction,
    LedgerSeal,
)
from sunusav.core.models import Approval, TrailEntry
from tests.journeys.history import History
from tests.support.tampering import sql
from transfers.models import Collection, PaymentOrder, Receipt

Expected = tuple[str, str]  # the invariant's code and the subject


def name_of(disbursement_id: int, attempt: int | None = None) -> str:
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


def overdraw_the_community_fund(history: History) -> Expected:
    entry = entry_of(payment_of(history), AccountRole.COMMUNITY_FUND)
    checkpoint = AccountCheckpoint.objects.get(account=entry.account)
    sql("UPDATE ledger_accountcheckpoint SET amount = 1000000 WHERE account_id = %s", checkpoint.pk)
    return "I11", f"account:{entry.account.code}"


def move_a_sealed_amount_between_two_entries(history: History) -> Expected:
    """The sum stays balanced, so only the hash chain shows the change."""
    for role, msat in ((AccountRole.PLATFORM_FEE_INCOME, -1_000), (AccountRole.COMMUNITY_FUND, 1_000)):
        entry = entry_of(payment_of(history), role)
        sql("UPDATE ledger_journalentry SET amount = amount + %s WHERE id = %s", msat, entry.pk)
    return "I18", f"books:{LedgerSeal.objects.get(transaction_id=payment_of(history)).pk}"


def move_a_share_in_the_books(history: History) -> Expected:
    """The same change, found without seals by computing the booking again from the order and the fixed fee."""
    move_a_sealed_amount_between_two_entries(history)
    return "I08b", name_of(history.paid, 1)


def delete_a_sealed_transaction(history: History) -> Expected:
    transaction_id = payment_of(history)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM ledger_journalentry WHERE transaction_id = %s", [transaction_id])
    sql("DELETE FROM ledger_journaltransaction WHERE id = %s", transaction_id)
    return "I08", name_of(history.paid, 1)


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


def lower_a_share_by_one_sat(history: History) -> Expected:
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
    record = FeeRecord.objects.get(disbursement_ref=name_of(history.paid))
    sql("DELETE FROM fees_feerecord WHERE id = %s", record.pk)
    return "I03d", name_of(history.paid)


# disbursements and attempts


def raise_a_net(history: History) -> Expected:
    sql("UPDATE transfers_disbursement SET net_sats = net_sats + 1 WHERE id = %s", history.paid)
    return "I04", name_of(history.paid)


def complete_a_disbursement_without_an_attempt(history: History) -> Expected:
    sql(
        "UPDATE transfers_disbursement SET state = 'completed', completed_at = requested_at WHERE id = %s",
        history.cancelled,
    )
    return "I05", name_of(history.cancelled)


def fail_a_paid_disbursement(history: History) -> Expected:
    sql("UPDATE transfers_disbursement SET state = 'failed', completed_at = NULL WHERE id = %s", history.paid)
    return "I05", name_of(history.paid)


def change_what_was_ordered(history: History) -> Expected:
    order = PaymentOrder.objects.get(disbursement_id=history.paid)
    sql("UPDATE transfers_paymentorder SET amount_msat = amount_msat + 1 WHERE id = %s", order.pk)
    return "I06", name_of(history.paid, 1)


def replace_a_proof(history: History) -> Expected:
    sql("UPDATE transfers_attempt SET proof = %s WHERE disbursement_id = %s", "00" * 32, history.paid)
    return "I07", name_of(history.paid, 1)


def change_a_routing_cost(history: History) -> Expected:
    sql("UPDATE transfers_attempt SET cost_msat = cost_msat + 1 WHERE disbursement_id = %s", history.paid)
    return "I09", name_of(history.paid, 1)


def leave_the_hold_of_a_failed_attempt(history: History) -> Expected:
    attempt = history.attempt(history.cancelled)
    sql("UPDATE ledger_journaltransaction SET reverses_id = NULL WHERE id = %s", attempt.close_transaction_id)
    return "I13", name_of(history.cancelled, 1)


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
    return "I13", name_of(history.in_flight, 1)


def void_an_open_attempt(history: History) -> Expected:
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


def mark_a_collecting_cycle_ready(history: History) -> Expected:
    sql("UPDATE payouts_cycle SET state = 'ready', ready_at = created_at WHERE id = %s", history.collecting)
    return "I05", f"cycle:{history.collecting}"


# people


def let_the_proposer_approve(history: History) -> Expected:
    approval = Approval.objects.get()
    sql("UPDATE core_approval SET approver_id = proposer_id WHERE id = %s", approval.pk)
    return "I16", f"approval:{approval.pk}"


def forge_the_proposer_of_an_approval(history: History) -> Expected:
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
    move_a_share_in_the_books, overdraw_the_community_fund, move_a_sealed_amount_between_two_entries,
    delete_a_sealed_transaction,
    falsify_a_checkpoint, use_a_fallback_rate_where_it_was_not_allowed, convert_one_franc_too_much,
    put_a_used_rate_in_quarantine, move_a_share_of_a_fee_record, lower_a_share_by_one_sat, lower_a_fixed_fee,
    delete_a_fee_record, raise_a_net, complete_a_disbursement_without_an_attempt, fail_a_paid_disbursement,
    change_what_was_ordered, replace_a_proof, change_a_routing_cost, leave_the_hold_of_a_failed_attempt,
    void_the_hold_of_an_open_attempt, void_an_open_attempt, book_a_receipt_as_something_else,
    raise_what_a_collection_received, mark_a_collecting_cycle_ready, let_the_proposer_approve,
    forge_the_proposer_of_an_approval, edit_the_trail, delete_from_the_trail, delete_from_the_trail_with_its_seal,
]  # fmt: skip
