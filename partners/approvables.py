from partners.services.floats import FLOAT_MINIMUM, adopt_float_minimum, describe_float_minimum
from partners.settlements.queries import SETTLEMENT
from partners.settlements.services.accounts import (
    SETTLEMENT_ACCOUNT,
    adopt_settlement_account,
    describe_settlement_account,
)
from partners.settlements.services.windows import approve_settlement, describe_settlement
from sunusav.core.approvals import Approvable
from sunusav.core.bands import amount_in

APPROVABLES = [
    Approvable(
        kind=FLOAT_MINIMUM,
        propose_permission="partners.propose_float_minimum",
        approve_permission="partners.approve_float_minimum",
        describe=describe_float_minimum,
        apply=adopt_float_minimum,
        amount_of=amount_in("minimum_xof"),
    ),
    Approvable(
        kind=SETTLEMENT,
        propose_permission="partners.propose_settlement",
        approve_permission="partners.approve_settlement",
        describe=describe_settlement,
        apply=approve_settlement,
        amount_of=amount_in("due_xof"),
    ),
    Approvable(
        kind=SETTLEMENT_ACCOUNT,
        propose_permission="partners.propose_settlement_account",
        approve_permission="partners.approve_settlement_account",
        describe=describe_settlement_account,
        apply=adopt_settlement_account,
    ),
]
