"""Rows that break the constraints of the books, of rates and of conversions."""

from decimal import Decimal

from ledger.models import (
    Account,
    AuditRun,
    CurrencyConversion,
    ExchangeRate,
    JournalEntry,
    JournalTransaction,
    LedgerSeal,
    ManualRateRequest,
)
from ledger.services import seal_books
from tests.factories.users import make_user
from tests.ledger.builders import MINUTE, NOW, received, stored_rate
from tests.support.constraints import Violation

ALL_BITCOIN_MSAT = 21 * 10**17


def account() -> Account:
    return Account.objects.create(code="bank:XOF", role="bank", currency="XOF")


def journal_transaction() -> JournalTransaction:
    return JournalTransaction.objects.get(pk=received("r-1"))


def reversal() -> JournalTransaction:
    return JournalTransaction.objects.create(
        kind="reversal", reference="r-2", subject="s", posted_at=NOW, reverses=journal_transaction()
    )


def entry() -> JournalEntry:
    return JournalEntry.objects.filter(transaction_id=received("r-1"))[0]


def seal() -> LedgerSeal:
    received("r-1")
    seal_books(now=NOW)
    return LedgerSeal.objects.get()


def manual_request() -> ManualRateRequest:
    return ManualRateRequest.objects.create(
        rate_xof_per_btc=Decimal(8_000_000), reason="why", requested_by=make_user(), requested_at=NOW
    )


def manual_rate() -> ExchangeRate:
    return stored_rate(source="manual", request=manual_request())


def conversion() -> CurrencyConversion:
    return CurrencyConversion.objects.create(
        reference="c", kind="price", amount_msat=6_250_000, amount_xof=500, rate=stored_rate("8000000"),
        is_fallback_allowed=False, converted_at=NOW,
    )  # fmt: skip


def audit_run() -> AuditRun:
    return AuditRun.objects.create(
        kind="full", started_at=NOW, ended_at=NOW, last_transaction_id=7, breaches_found=0, waiting_found=0
    )


VIOLATIONS = [
    Violation("auditrun_ends_after_its_start", audit_run, {"ended_at": NOW - MINUTE}),
    Violation("auditrun_only_fast_since_a_moment", audit_run, {"kind": "fast"}),
    Violation("auditrun_only_fast_since_a_moment", audit_run, {"checked_since": NOW}),
    Violation("account_code_is_unique", account, {"role": "node"}),
    Violation("account_one_per_role_currency_owner", account, {"code": "other"}),
    Violation("account_currency_is_known", account, {"currency": "EUR"}),
    Violation("journaltransaction_reference_used_once", journal_transaction, {"kind": "other"}),
    Violation("ledger_journaltransaction.reverses_id", reversal, {"reference": "r-3"}),
    Violation("journalentry_amount_is_not_zero", entry, {"amount": 0}),
    Violation("journalentry_amount_within_all_bitcoin", entry, {"amount": ALL_BITCOIN_MSAT + 1}),
    Violation("journalentry_amount_within_all_bitcoin", entry, {"amount": -ALL_BITCOIN_MSAT - 1}),
    Violation("journalentry_currency_is_known", entry, {"currency": "EUR"}),
    Violation("ledger_ledgerseal.transaction_id", seal, {"seq": 2}),
    Violation("exchangerate_is_positive", stored_rate, {"rate_xof_per_btc": 0}),
    Violation("exchangerate_quarantine_has_reason", stored_rate, {"is_quarantined": True}),
    Violation("exchangerate_quarantine_has_reason", stored_rate, {"quarantine_reason": "jumped"}),
    Violation(
        "exchangerate_fallback_is_not_quarantined",
        stored_rate,
        {"is_fallback": True, "is_quarantined": True, "quarantine_reason": "jumped"},
    ),
    Violation("exchangerate_manual_has_request", stored_rate, {"source": "manual"}),
    Violation("exchangerate_manual_has_request", stored_rate, lambda _: {"request_id": manual_request().pk}),
    Violation("ledger_exchangerate.request_id", manual_rate, {}),
    Violation("manualraterequest_is_positive", manual_request, {"rate_xof_per_btc": -1}),
    Violation("manualraterequest_has_reason", manual_request, {"reason": ""}),
    Violation("currencyconversion_reference_used_once", conversion, {"amount_xof": 1}),
    Violation("currencyconversion_amounts_not_negative", conversion, {"amount_msat": -1}),
    Violation("currencyconversion_amounts_not_negative", conversion, {"amount_xof": -1}),
]
