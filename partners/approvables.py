from partners.services.floats import FLOAT_MINIMUM, adopt_float_minimum, describe_float_minimum
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
]
