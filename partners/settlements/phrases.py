"""Names of the codes and facts of settlements, and phrases of their refusals."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

LABELS: dict[str, Any] = {
    "settlements": _("settlements"),
    "month_closed": _("month closed"),
    "payment_ordered": _("payment ordered"),
    "settlement": _("settlement with a partner"),
    "settlement_account": _("account for settlements"),
    "settlement_paid_by_bank": _("settlement paid by the bank"),
    "close_window": _("close the month"),
    "void_approval": _("approval void"),
    "execute": _("pay"),
    "record_bank_payment": _("record the payment of the bank"),
    # Lines that a partner contests
    "contest_line": _("record a contested line"),
    "answer_line": _("answer a contested line"),
    "waits_for_answer": _("waits for an answer"),
    "answered": _("answered"),
    "upheld": _("the partner is right"),
    "not_upheld": _("the line stays"),
    # Lines of a statement
    "fee": _("fee"),
    "reversal": _("reversal"),
    "accrued": _("accrued"),
    "carried_over": _("carried over"),
    "due": _("due"),
    "left_over": _("left over"),
    "propose_settlements_with_wave": _("propose settlements with Wave"),
    "propose_settlements_with_orange_money": _("propose settlements with Orange Money"),
    "propose_settlements_with_mtn": _("propose settlements with MTN"),
    "health.settlements": _("settlements with partners"),
    "settlement_status.approved": pgettext_lazy("settlement", "approved"),
    "settlement_status.rejected": pgettext_lazy("settlement", "rejected"),
    "earlier_status.approved": pgettext_lazy("settlement", "approved"),
    "earlier_status.rejected": pgettext_lazy("settlement", "rejected"),
}
EVENTS: dict[str, Any] = {
    "settlement.close_window": _("Month closed: %(accrued_sats)s accrued, %(due_xof)s are due"),
    "settlement.approved": _("Approved: %(due_xof)s may be paid"),
    "settlement.void_approval": _("Approval void: another account is registered"),
    "settlement.execute": _("Payment of %(due_xof)s ordered"),
    "settlement.record_bank_payment": _("The bank paid %(due_xof)s"),
    "contested_line.contest_line": _("The partner contests fee record %(fee_record_id)s"),
    "contested_line.answer_line": _("Answered"),
    "settlement_account.adopt": _("Account for settlements in use: %(account_masked)s, %(holder)s"),
}
EVENT_TONES = {"settlement.void_approval": "attention"}
TONES = {"waits_for_answer": "attention", "answered": "good"}
FACTS: dict[str, Any] = {
    "period_start": _("from"),
    "period_end": _("until"),
    "fee_records": _("fees and reversals"),
    "accrued": _("accrued"),
    "accrued_exactly": _("accrued, exactly"),
    "carried_exactly": _("carried over"),
    "due": _("due"),
    "left_over_exactly": _("left over for the next month"),
    "taken": _("taken from the reserve"),
    "settlement_account": _("registered account"),
    "account_masked": _("account"),
    "account_digest": _("digest of the account"),
    "holder": _("holder"),
    "account_in_use": _("account until now"),
    "holder_in_use": _("holder until now"),
    "paid_on": _("paid on"),
    "settlement_id": _("settlement"),
    "fee_record_id": _("fee record"),
    "contested_on": _("contested on"),
    "is_upheld": _("the partner is right"),
    "closed_at": _("closed at"),
    "lines_count": _("lines"),
    "lines_sha256": _("SHA-256 of the lines"),
}
REFUSALS: dict[str, tuple[Any, Any]] = {
    "settlement-missing": (
        _("There is no settlement %(settlement_id)s."),
        _("Choose one of the list."),
    ),
    "settlement-partner-unknown": (
        _("The directory has no partner “%(partner)s”."),
        _("Name one of its partners."),
    ),
    "line-not-of-settlement": (
        _("The statement of settlement %(settlement_id)s has no line of fee record %(fee_record_id)s."),
        _("Take the number of the fee record from a line of that statement."),
    ),
    "line-contested-already": (
        _("Fee record %(fee_record_id)s of settlement %(settlement_id)s is recorded as contested."),
        _("Open that line in the list: attach what the partner sent, or answer it."),
    ),
    "contest-date-in-future": (
        _("The partner cannot have written on %(contested_on)s."),
        _("Give a day up to %(latest)s."),
    ),
    "contested-line-missing": (
        _("There is no contested line with the number %(contested_line_id)s."),
        _("Choose one of the list."),
    ),
    "contested-line-answered": (
        _("Contested line %(contested_line_id)s was answered."),
        _("Read the answer on its page."),
    ),
    "nothing-accrued": (
        _("No fee with a share of %(partner)s has been booked yet."),
        _("Nothing is due: the first month begins with the first fee."),
    ),
    "window-not-ended": (
        _("The month of %(partner)s that begins on %(period_start)s cannot be closed yet."),
        _("Try again after %(closable_at)s: until then its last bookings may still arrive."),
    ),
    "window-out-of-order": (
        _("The next month of %(partner)s to be settled begins on %(next_start)s, not on %(period_start)s."),
        _("Settle the months in their order."),
    ),
    "settlement-not-repeatable": (
        _("Settlement %(settlement_id)s is not proposed again (%(settlement_status)s)."),
        _("Only a rejected settlement is proposed again, or an approved one whose account has changed."),
    ),
    "settlement-not-payable": (
        _("Settlement %(settlement_id)s is not paid now (%(settlement_status)s)."),
        _("Only an approved settlement is paid, or one whose payment failed."),
    ),
    "settlement-approval-differs": (
        _("Proposal %(proposal_id)s is not the one that was approved for settlement %(settlement_id)s."),
        _("Read the settlement again, and send the proposal and the digest that it has."),
    ),
    "earlier-settlement-unpaid": (
        _("Settlement %(earlier_id)s of the same partner comes first (%(earlier_status)s)."),
        _("Pay the settlements of a partner in their order."),
    ),
    "executor-is-approver": (
        _("You approved settlement %(settlement_id)s."),
        _("Another person pays it."),
    ),
    "settlement-account-missing": (
        _("No account of %(partner)s is registered."),
        _("Propose the account, or record the payment of the bank."),
    ),
    "settlement-account-changed": (
        _("The account of %(partner)s has changed since settlement %(settlement_id)s was approved."),
        _("Propose the settlement again, so that the new account is approved."),
    ),
    "settlement-float-short": (
        _(
            "%(due_xof)s are due, and our money at the partner is %(available_xof)s: %(missing_xof)s are missing."
        ),
        _("Top the float up, or record the payment of the bank."),
    ),
    "settlement-reserve-short": (
        _("The partner's reserve holds %(available_msat)s, and the settlement takes %(needed_msat)s."),
        _("Payouts were reversed since. Wait until enough accrues again."),
    ),
    "bank-payment-incomplete": (
        _("The payment of the bank lacks: %(missing)s."),
        _("Give the reference of the bank, an explanation, and its document."),
    ),
    "bank-payment-date-out-of-range": (
        _("%(paid_on)s cannot be the day of this payment."),
        _("Give a day from %(earliest)s to %(latest)s."),
    ),
    "settlement-account-not-found": (
        _("There is no account for settlements with the number %(account_id)s."),
        _("Choose one of the list."),
    ),
}
PROPOSALS: dict[str, Any] = {
    "settlement": _("Settle a month with a partner"),
    "settlement_account": _("Register the account that settlements are paid to"),
}
CODES = {"earlier_status", "settlement_status"}
