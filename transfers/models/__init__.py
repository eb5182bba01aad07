from transfers.models.breaker import RailBreaker
from transfers.models.collection import Collection, Receipt
from transfers.models.disbursement import Attempt, Disbursement, PaymentOrder
from transfers.models.limit import LimitUsage, PaymentLimit, PaymentLimitRequest
from transfers.models.partner import Partner

__all__ = [
    "Attempt",
    "Collection",
    "Disbursement",
    "LimitUsage",
    "Partner",
    "PaymentLimit",
    "PaymentLimitRequest",
    "PaymentOrder",
    "RailBreaker",
    "Receipt",
]
