from ledger.services.rates import MANUAL_RATE, describe_manual_rate, record_manual_rate
from sunusav.core.approvals import Approvable

APPROVABLES = [
    Approvable(
        kind=MANUAL_RATE,
        propose_permission="ledger.propose_manual_rate",
        approve_permission="ledger.approve_manual_rate",
        describe=describe_manual_rate,
        apply=record_manual_rate,
    )
]
