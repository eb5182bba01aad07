from sunusav.core.roles import Role

VIEW = [
    "transfers.view_partner",
    "transfers.view_disbursement",
    "transfers.view_paymentorder",
    "transfers.view_attempt",
    "transfers.view_collection",
    "transfers.view_receipt",
    "transfers.view_credituse",
    "transfers.view_credittransferrequest",
    "transfers.view_credittransfer",
    "transfers.view_withdrawallink",
    "transfers.view_provideranswer",
    "transfers.view_manualresolution",
    "transfers.view_resolvedattempt",
    "transfers.view_paymentlimit",
    "transfers.view_paymentlimitrequest",
    "transfers.view_limitusage",
    "transfers.view_pastadmission",
    "transfers.view_railbreaker",
    "transfers.view_railliquidity",
    "transfers.view_providerswitch",
    "transfers.view_railmatch",
    "transfers.view_railmismatch",
    "transfers.view_disbursementdestination",
    "transfers.view_returnclaim",
    "transfers.view_reversal",
    "transfers.view_treasurymovement",
    "transfers.view_bookedmovement",
    "transfers.view_issuedreceipt",
    "transfers.view_receiptlink",
    "transfers.view_issuer",
    "transfers.view_adoptedissuer",
    "transfers.view_taxrate",
    "transfers.view_adoptedtaxrate",
    "transfers.view_statementformat",
    "transfers.view_matchingrule",
    "transfers.view_statementimport",
    "transfers.view_statementline",
    "transfers.view_statementitem",
    "transfers.view_statementmatch",
    "transfers.view_matchedline",
    "transfers.view_matchedexpectation",
    "transfers.view_itemresolution",
    "transfers.view_resolveditem",
]
RECONCILE = [
    "transfers.import_statement",
    "transfers.save_statement_format",
    "transfers.assign_statement_item",
]
QUERY = "transfers.query_provider"
ISSUE = "transfers.issue_receipt"
SWITCH_OFF = "transfers.switch_off_provider"
PROPOSE_SWITCH_ON = "transfers.propose_provider_switch_on"
REPAIR = [
    QUERY,
    "transfers.retry_disbursement",
    "transfers.cancel_disbursement",
    "transfers.cancel_collection",
]
PROPOSE = [
    "transfers.propose_resolution",
    "transfers.propose_payment_limit",
    "transfers.propose_payment_exception",
    "transfers.propose_reversal",
    "transfers.propose_treasury_movement",
    "transfers.propose_credit_transfer",
    "transfers.propose_receipt_terms",
    "transfers.propose_statement_item",
    PROPOSE_SWITCH_ON,
]
DECIDE = [
    "transfers.approve_resolution",
    "transfers.approve_payment_limit",
    "transfers.approve_payment_exception",
    "transfers.approve_reversal",
    "transfers.approve_treasury_movement",
    "transfers.approve_credit_transfer",
    "transfers.approve_receipt_terms",
    "transfers.approve_provider_switch_on",
    "transfers.approve_statement_item",
]

GRANTS: list[tuple[Role, list[str]]] = [
    (Role.PLATFORM, [ISSUE]),
    (Role.FINANCE, [*VIEW, *REPAIR, *RECONCILE, *PROPOSE, ISSUE, SWITCH_OFF]),
    (Role.APPROVER, [*VIEW, QUERY, *DECIDE, SWITCH_OFF]),
    (Role.AUDITOR, VIEW),
    (Role.OPERATOR, [*VIEW, QUERY, SWITCH_OFF, PROPOSE_SWITCH_ON]),
]
