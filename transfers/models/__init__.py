from transfers.models.answer import ProviderAnswer
from transfers.models.breaker import RailBreaker
from transfers.models.closing_balance import ClosingBalance
from transfers.models.collection import Collection, Receipt
from transfers.models.credit import CreditUse
from transfers.models.credit_transfer import CreditTransfer, CreditTransferRequest
from transfers.models.disbursement import Attempt, Disbursement, DisbursementDestination, PaymentOrder
from transfers.models.issued_receipt import IssuedReceipt, ReceiptLink
from transfers.models.issuer import AdoptedIssuer, AdoptedTaxRate, Issuer, TaxRate
from transfers.models.limit import LimitUsage, PastAdmission, PaymentLimit, PaymentLimitRequest
from transfers.models.liquidity import RailLiquidity
from transfers.models.match import RailMatch, RailMismatch
from transfers.models.partner import Partner
from transfers.models.resolution import ManualResolution, ResolvedAttempt
from transfers.models.reversal import ReturnClaim, Reversal
from transfers.models.statement import MatchingRule, StatementFormat, StatementImport, StatementLine
from transfers.models.statement_item import (
    ItemResolution,
    MatchedExpectation,
    MatchedLine,
    ResolvedItem,
    StatementItem,
    StatementMatch,
)
from transfers.models.switch import ProviderSwitch
from transfers.models.treasury import BookedMovement, TreasuryMovement
from transfers.models.withdrawal import WithdrawalLink

__all__ = [
    "AdoptedIssuer",
    "AdoptedTaxRate",
    "Attempt",
    "BookedMovement",
    "ClosingBalance",
    "Collection",
    "CreditTransfer",
    "CreditTransferRequest",
    "CreditUse",
    "Disbursement",
    "DisbursementDestination",
    "IssuedReceipt",
    "Issuer",
    "ItemResolution",
    "LimitUsage",
    "ManualResolution",
    "MatchedExpectation",
    "MatchedLine",
    "MatchingRule",
    "Partner",
    "PastAdmission",
    "PaymentLimit",
    "PaymentLimitRequest",
    "PaymentOrder",
    "ProviderAnswer",
    "ProviderSwitch",
    "RailBreaker",
    "RailLiquidity",
    "RailMatch",
    "RailMismatch",
    "Receipt",
    "ReceiptLink",
    "ResolvedAttempt",
    "ResolvedItem",
    "ReturnClaim",
    "Reversal",
    "StatementFormat",
    "StatementImport",
    "StatementItem",
    "StatementLine",
    "StatementMatch",
    "TaxRate",
    "TreasuryMovement",
    "WithdrawalLink",
]
