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
from transfers.models import BookedMovement, Collection, PaymentOrder, Receipt

Expected = tuple[str, str]  # the invariant's code and the subject


def name_of(disbursement_id: int, attempt: int | None = None) -> str:
    name = f"disbursement:{disbursement_id}"
    return name if attempt is None else f"{name}:attempt:{attempt}"


def payment_of(history: History) -> int:
    """Return the journal transaction that booked the first payment."""
    booked = history.attempt(history.paid).payment_transaction_id
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


def repay_more_than_was_owed_back(history: History) -> Expected:
    ref = entry_of(payment_of(history), AccountRole.COMMUNITY_FUND).account.ref.receivable
    account = Account.objects.create(code=ref.code, role=ref.role, currency=ref.currency, owner=ref.owner)
    AccountCheckpoint.objects.create(account=account, amount=-1, sealed_seq=0, floor=0)
    return "I11", f"account:{account.code}"


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
    sql("UPDATE transfers_disbursement SET net_msat = net_msat + 1 WHERE id = %s", history.paid)
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
    sql("UPDATE transfers_paymentorder SET amount = amount + 1 WHERE id = %s", order.pk)
    return "I06", name_of(history.paid, 1)


def replace_a_proof(history: History) -> Expected:
    sql("UPDATE transfers_attempt SET proof = %s WHERE disbursement_id = %s", "00" * 32, history.paid)
    return "I07", name_of(history.paid, 1)


def change_a_routing_cost(history: History) -> Expected:
    sql("UPDATE transfers_attempt SET cost = cost + 1 WHERE disbursement_id = %s", history.paid)
    return "I09", name_of(history.paid, 1)


def leave_the_hold_of_a_cancelled_disbursement(history: History) -> Expected:
    void = JournalTransaction.objects.get(reference=f"{name_of(history.cancelled)}:void")
    sql("UPDATE ledger_journaltransaction SET reverses_id = NULL WHERE id = %s", void.pk)
    return "I13", name_of(history.cancelled)


def void_the_hold_of_a_payment_under_way(history: History) -> Expected:
    attempt = history.attempt(history.in_flight)
    hold = attempt.disbursement.hold_transaction
    assert hold is not None
    sql(
        "INSERT INTO ledger_journaltransaction (kind, reference, subject, posted_at, recorded_at, reverses_id) "
        "VALUES ('hold_void', 'by-hand', %s, %s, %s, %s)",
        hold.subject,
        hold.posted_at.replace(tzinfo=None),
        hold.recorded_at.replace(tzinfo=None),
        hold.pk,
    )
    return "I13", name_of(history.in_flight)


def hold_more_than_is_paid(history: History) -> Expected:
    sql(
        "UPDATE transfers_disbursement SET payout_msat = payout_msat + 1, net_msat = net_msat + 1 WHERE id = %s",
        history.in_flight,
    )
    return "I13", "account:in_transit"


# money in


def book_a_receipt_as_something_else(history: History) -> Expected:
    receipt = Receipt.objects.order_by("id")[0]
    sql("UPDATE ledger_journaltransaction SET kind = 'gift' WHERE id = %s", receipt.transaction_id)
    return "I08", f"receipt:{receipt.pk}"


def raise_what_a_collection_received(history: History) -> Expected:
    row = Collection.objects.filter(received=60_000_000).get()
    sql("UPDATE transfers_collection SET received = received + 1 WHERE id = %s", row.pk)
    return "I08", f"collection:{row.pk}"


def mark_a_collecting_cycle_ready(history: History) -> Expected:
    sql("UPDATE payouts_cycle SET state = 'ready', ready_at = created_at WHERE id = %s", history.collecting)
    return "I05", f"cycle:{history.collecting}"


# people


def let_the_proposer_approve(history: History) -> Expected:
    approval = Approval.objects.earliest("id")
    sql("UPDATE core_approval SET approver_id = proposer_id WHERE id = %s", approval.pk)
    return "I16", f"approval:{approval.pk}"


def forge_the_proposer_of_an_approval(history: History) -> Expected:
    approval = Approval.objects.earliest("id")
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


# the treasury


def movement() -> BookedMovement:
    """Return the opening balance that two people had booked."""
    return BookedMovement.objects.select_related("movement").get()


def subject_of_movement() -> str:
    return f"treasury_movement:{movement().movement_id}"


def raise_a_movement(history: History) -> Expected:
    sql("UPDATE transfers_treasurymovement SET amount = amount + 1 WHERE id = %s", movement().movement_id)
    return "I08b", subject_of_movement()


def move_a_movement_to_another_account(history: History) -> Expected:
    entry = entry_of(movement().transaction_id, AccountRole.NODE)
    bank = Account.objects.create(role="bank", currency="msat", owner="onchain", code="bank:msat:onchain")
    sql("UPDATE ledger_journalentry SET account_id = %s WHERE id = %s", bank.pk, entry.pk)
    return "I08b", subject_of_movement()


def call_a_movement_by_another_kind(history: History) -> Expected:
    sql(
        "UPDATE ledger_journaltransaction SET kind = 'treasury_surplus' WHERE id = %s",
        movement().transaction_id,
    )
    return "I08", subject_of_movement()


def book_a_movement_that_nobody_approved(history: History) -> Expected:
    row = JournalTransaction.objects.get(pk=movement().transaction_id)
    sql(
        "INSERT INTO ledger_journaltransaction (kind, reference, subject, posted_at, recorded_at) "
        "VALUES ('treasury_shortfall', 'by-hand', 'nobody', %s, %s)",
        row.posted_at.replace(tzinfo=None),
        row.recorded_at.replace(tzinfo=None),
    )
    return "I08", f"journal:{JournalTransaction.objects.get(reference='by-hand').pk}"


def delete_the_booking_of_a_movement(history: History) -> Expected:
    row = movement()
    sql("DELETE FROM transfers_bookedmovement WHERE id = %s", row.pk)
    return "I08", f"treasury_movement:{row.movement_id}"


def book_under_another_reference(history: History) -> Expected:
    sql("UPDATE transfers_bookedmovement SET reference = 'another' WHERE id = %s", movement().pk)
    return "I08", subject_of_movement()


def free_an_opened_account(history: History) -> Expected:
    sql("UPDATE transfers_bookedmovement SET opened_account = NULL WHERE id = %s", movement().pk)
    return "I08", subject_of_movement()


def let_the_proposer_book(history: History) -> Expected:
    sql("UPDATE transfers_bookedmovement SET approver_id = proposer_id WHERE id = %s", movement().pk)
    return "I16", subject_of_movement()


def forge_the_proposer_of_a_movement(history: History) -> Expected:
    row = movement()
    sql(
        "UPDATE transfers_treasurymovement SET proposer_id = %s WHERE id = %s",
        row.approver_id,
        row.movement_id,
    )
    return "I16", subject_of_movement()


def book_a_rejected_movement(history: History) -> Expected:
    sql("UPDATE core_proposal SET state = 'rejected' WHERE id = %s", movement().proposal_id)
    return "I16", subject_of_movement()


def take_back_the_approval_of_a_movement(history: History) -> Expected:
    approval = Approval.objects.get(proposal_id=movement().proposal_id)
    sql("DELETE FROM core_approval WHERE id = %s", approval.pk)
    return "I16", subject_of_movement()


CORRUPTIONS: list[Callable[[History], Expected]] = [
    unbalance_an_entry, delete_an_entry, move_an_entry_to_another_currency, rename_an_account,
    move_a_share_in_the_books, overdraw_the_community_fund, repay_more_than_was_owed_back,
    move_a_sealed_amount_between_two_entries,
    delete_a_sealed_transaction,
    falsify_a_checkpoint, use_a_fallback_rate_where_it_was_not_allowed, convert_one_franc_too_much,
    put_a_used_rate_in_quarantine, move_a_share_of_a_fee_record, lower_a_share_by_one_sat, lower_a_fixed_fee,
    delete_a_fee_record, raise_a_net, complete_a_disbursement_without_an_attempt, fail_a_paid_disbursement,
    change_what_was_ordered, replace_a_proof, change_a_routing_cost, leave_the_hold_of_a_cancelled_disbursement,
    void_the_hold_of_a_payment_under_way, hold_more_than_is_paid, book_a_receipt_as_something_else,
    raise_what_a_collection_received, mark_a_collecting_cycle_ready, let_the_proposer_approve,
    forge_the_proposer_of_an_approval, edit_the_trail, delete_from_the_trail, delete_from_the_trail_with_its_seal,
    raise_a_movement, move_a_movement_to_another_account, call_a_movement_by_another_kind,
    book_a_movement_that_nobody_approved, delete_the_booking_of_a_movement, book_under_another_reference,
    free_an_opened_account, let_the_proposer_book, forge_the_proposer_of_a_movement, book_a_rejected_movement,
    take_back_the_approval_of_a_movement,
]  # fmt: skip
