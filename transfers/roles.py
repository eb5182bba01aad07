from sunusav.core.roles import Role

VIEW = [
    "transfers.view_partner",
    "transfers.view_disbursement",
    "transfers.view_paymentorder",
    "transfers.view_attempt",
    "transfers.view_collection",
    "transfers.view_receipt",
    "transfers.view_paymentlimit",
    "transfers.view_paymentlimitrequest",
    "transfers.view_limitusage",
    "transfers.view_railbreaker",
]
REPAIR = ["transfers.retry_disbursement", "transfers.cancel_disbursement"]

GRANTS: list[tuple[Role, list[str]]] = [
    (
        Role.FINANCE,
        [*VIEW, *REPAIR, "transfers.propose_payment_limit", "transfers.propose_payment_exception"],
    ),
    (Role.APPROVER, [*VIEW, "transfers.approve_payment_limit", "transfers.approve_payment_exception"]),
    (Role.AUDITOR, VIEW),
    (Role.OPERATOR, VIEW),
]
