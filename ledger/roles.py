from sunusav.core.roles import Role

VIEW_RATES = ["ledger.view_exchangerate", "ledger.view_manualraterequest"]
VIEW_AUDITS = "ledger.view_auditrun"
VIEW_BOOKS = [
    VIEW_AUDITS,
    "ledger.view_account",
    "ledger.view_accountcheckpoint",
    "ledger.view_currencyconversion",
    "ledger.view_journalentry",
    "ledger.view_journaltransaction",
    "ledger.view_ledgerseal",
    *VIEW_RATES,
]

GRANTS = [
    (Role.PLATFORM, ["ledger.view_exchangerate"]),
    (Role.FINANCE, ["ledger.propose_manual_rate", *VIEW_BOOKS]),
    (Role.APPROVER, ["ledger.approve_manual_rate", *VIEW_BOOKS]),
    (Role.AUDITOR, VIEW_BOOKS),
    (Role.OPERATOR, ["ledger.view_exchangerate", VIEW_AUDITS]),
]
