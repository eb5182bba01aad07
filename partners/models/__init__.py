from partners.models.contested_line import ContestedLine, LineAnswer
from partners.models.float_minimum import AdoptedFloatMinimum, FloatMinimum
from partners.models.settlement import (
    AdoptedSettlementAccount,
    ApprovedSettlement,
    Settlement,
    SettlementAccount,
    SettlementBankPayment,
)
from partners.models.webhook import InboundWebhook

__all__ = [
    "AdoptedFloatMinimum",
    "AdoptedSettlementAccount",
    "ApprovedSettlement",
    "ContestedLine",
    "FloatMinimum",
    "InboundWebhook",
    "LineAnswer",
    "Settlement",
    "SettlementAccount",
    "SettlementBankPayment",
]
