from sunusav.core.roles import Role

VIEW = [
    "transfers.view_partner",
    "transfers.view_disbursement",
    "transfers.view_paymentorder",
    "transfers.view_attempt",
    "transfers.view_collection",
    "transfers.view_receipt",
    "transfers.view_withdrawallink",
]

GRANTS: list[tuple[Role, list[str]]] = [
    (
        Role.FINANCE,
        [
            *VIEW,
            "transfers.retry_disbursement",
            "transfers.cancel_disbursement",
            "transfers.cancel_collection",
        ],
    ),
    (Role.APPROVER, VIEW),
    (Role.AUDITOR, VIEW),
    (Role.OPERATOR, VIEW),
]
