from ledger.models.account import Account, AccountCheckpoint
from ledger.models.audit import AuditRun
from ledger.models.conversion import CurrencyConversion
from ledger.models.journal import JournalEntry, JournalTransaction, LedgerSeal
from ledger.models.rate import ExchangeRate, ManualRateRequest

__all__ = [
    "Account",
    "AccountCheckpoint",
    "AuditRun",
    "CurrencyConversion",
    "ExchangeRate",
    "JournalEntry",
    "JournalTransaction",
    "LedgerSeal",
    "ManualRateRequest",
]
