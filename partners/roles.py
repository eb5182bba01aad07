from sunusav.core.roles import Role

VIEW = ["partners.view_inboundwebhook", "partners.view_floatminimum", "partners.view_adoptedfloatminimum"]
BALANCE = "partners.view_partner_balance"

GRANTS: list[tuple[Role, list[str]]] = [
    (Role.PLATFORM, [BALANCE]),
    (Role.FINANCE, [*VIEW, BALANCE, "partners.propose_float_minimum"]),
    (Role.APPROVER, [*VIEW, BALANCE, "partners.approve_float_minimum"]),
    (Role.AUDITOR, [*VIEW, BALANCE]),
    (Role.OPERATOR, [*VIEW, BALANCE]),
]
