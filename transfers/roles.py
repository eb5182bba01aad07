from sunusav.core.roles import Role

VIEW = [
    "transfers.view_partner",
    "transfers.view_disbursement",
    "transfers.view_paymentorder",
    "transfers.view_attempt",
    "transfers.view_collection",
    "transfers.view_receipt",
    "transfers.view_withdrawallink",
    "transfers.view_outsideanswer",
    "transfers.view_manualresolution",
    "transfers.view_resolvedattempt",
]
ASK = "transfers.ask_outside"

GRANTS: list[tuple[Role, list[str]]] = [
    (
        Role.FINANCE,
        [
            *VIEW,
            ASK,
            "transfers.retry_disbursement",
            "transfers.cancel_disbursement",
            "transfers.cancel_collection",
            "transfers.propose_resolution",
        ],
    ),
    (Role.APPROVER, [*VIEW, ASK, "transfers.approve_resolution"]),
    (Role.AUDITOR, VIEW),
    (Role.OPERATOR, [*VIEW, ASK]),
]
