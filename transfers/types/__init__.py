"""Frozen values that cross the border of this app."""

from transfers.types.collections import (
    CollectedPayment,
    CollectionFacts,
    CollectionRequest,
    CollectionStatus,
    OpenedCollection,
)
from transfers.types.credit import (
    CreditUseFacts,
    credit_of,
    member_ref,
)
from transfers.types.disbursements import (
    Choice,
    Deferral,
    Destination,
    DisbursementFacts,
    DisbursementRequest,
    Failure,
    UnderReview,
    approval_digest,
)
from transfers.types.rails import (
    FindOutcome,
    Instruction,
    NotSeen,
    Order,
    PreviousOrder,
    ProviderPayment,
    Refused,
    Reversed,
    Sendable,
    SendOutcome,
    Succeeded,
    TooLate,
    Unknown,
    Unusable,
    WaitingForRail,
)
from transfers.types.treasury import (
    Movement,
    MovementEvidence,
)
from transfers.types.withdrawals import (
    OpenedWithdrawal,
    WithdrawalCode,
    WithdrawalFacts,
)

__all__ = [
    "Choice",
    "CollectedPayment",
    "CollectionFacts",
    "CollectionRequest",
    "CollectionStatus",
    "CreditUseFacts",
    "Deferral",
    "Destination",
    "DisbursementFacts",
    "DisbursementRequest",
    "Failure",
    "FindOutcome",
    "Instruction",
    "Movement",
    "MovementEvidence",
    "NotSeen",
    "OpenedCollection",
    "OpenedWithdrawal",
    "Order",
    "PreviousOrder",
    "ProviderPayment",
    "Refused",
    "Reversed",
    "SendOutcome",
    "Sendable",
    "Succeeded",
    "TooLate",
    "UnderReview",
    "Unknown",
    "Unusable",
    "WaitingForRail",
    "WithdrawalCode",
    "WithdrawalFacts",
    "approval_digest",
    "credit_of",
    "member_ref",
]
