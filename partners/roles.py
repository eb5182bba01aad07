from sunusav.core.roles import Role

VIEW = [
    "partners.view_inboundwebhook",
    "partners.view_floatminimum",
    "partners.view_adoptedfloatminimum",
    "partners.view_settlement",
    "partners.view_approvedsettlement",
    "partners.view_settlementaccount",
    "partners.view_adoptedsettlementaccount",
    "partners.view_settlementbankpayment",
    "partners.view_contestedline",
    "partners.view_lineanswer",
]
BALANCE = "partners.view_partner_balance"
SETTLE = [
    "partners.propose_settlement", "partners.propose_settlement_account", "partners.execute_settlement",
    "partners.record_contested_line", "partners.answer_contested_line",
]  # fmt: skip
DECIDE = ["partners.approve_settlement", "partners.approve_settlement_account"]

GRANTS: list[tuple[Role, list[str]]] = [
    (Role.PLATFORM, [BALANCE]),
    (Role.FINANCE, [*VIEW, BALANCE, "partners.propose_float_minimum", *SETTLE]),
    (Role.APPROVER, [*VIEW, BALANCE, "partners.approve_float_minimum", *DECIDE]),
    (Role.AUDITOR, [*VIEW, BALANCE]),
    (Role.OPERATOR, [*VIEW, BALANCE]),
]
