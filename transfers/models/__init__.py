from transfers.models.answer import ProviderAnswer
from transfers.models.breaker import RailBreaker
from transfers.models.collection import Collection, Receipt
from transfers.models.disbursement import Attempt, Disbursement, PaymentOrder
from transfers.models.limit import LimitUsage, PastAdmission, PaymentLimit, PaymentLimitRequest
from transfers.models.liquidity import RailLiquidity
from transfers.models.match import RailMatch, RailMismatch
from transfers.models.partner import Partner
from transfers.models.resolution import ManualResolution, ResolvedAttempt
from transfers.models.withdrawal import WithdrawalLink

__all__ = [
    "Attempt",
    "Collection",
    "Disbursement",
    "LimitUsage",
    "ManualResolution",
    "Partner",
    "PastAdmission",
    "PaymentLimit",
    "PaymentLimitRequest",
    "PaymentOrder",
    "ProviderAnswer",
    "RailBreaker",
    "RailLiquidity",
    "RailMatch",
    "RailMismatch",
    "Receipt",
    "ResolvedAttempt",
    "WithdrawalLink",
]
