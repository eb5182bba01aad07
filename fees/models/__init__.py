from fees.models.discount import DiscountGrant
from fees.models.fee import FeeAssessment, FeeRecord
from fees.models.schedule import FeeBracket, FeeBracketDraft, FeeSchedule, FeeScheduleDraft

__all__ = [
    "DiscountGrant",
    "FeeAssessment",
    "FeeBracket",
    "FeeBracketDraft",
    "FeeRecord",
    "FeeSchedule",
    "FeeScheduleDraft",
]
