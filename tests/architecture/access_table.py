"""Which role may call which URL with which method. A URL without a row here fails the tests.

A method without an entry answers 405 to everybody. `PUBLIC` answers without a token; every other method answers 401
without a token and 403 to roles that are not listed.
"""

from sunusav.core.roles import Role

PLATFORM, FINANCE, APPROVER = Role.PLATFORM, Role.FINANCE, Role.APPROVER
AUDITOR, OPERATOR = Role.AUDITOR, Role.OPERATOR

PUBLIC: frozenset[Role] = frozenset()
EVERY_ROLE = frozenset(Role)
READERS = EVERY_ROLE - {OPERATOR}
STAFF = EVERY_ROLE - {PLATFORM}


def roles(*named: Role) -> frozenset[Role]:
    return frozenset(named)


ACCESS: dict[str, dict[str, frozenset[Role]]] = {
    # sunusav.api
    "health": {"GET": PUBLIC},
    "openapi.json": {"GET": PUBLIC},
    "docs": {"GET": PUBLIC},
    "redoc": {"GET": PUBLIC},
    "problems": {"GET": PUBLIC},
    "problems/<str:code>": {"GET": PUBLIC},
    "metrics": {"GET": roles(OPERATOR)},
    "monetization/health": {"GET": EVERY_ROLE},
    "monetization/outgoing/pause": {"POST": roles(FINANCE, APPROVER, OPERATOR)},
    "monetization/outgoing/resume": {"POST": roles(FINANCE, APPROVER, OPERATOR)},
    # Wallets: a client that has the secret of a link may redeem it
    "lnurl/withdraw/<str:secret>": {"GET": PUBLIC},
    "lnurl/withdraw/<str:secret>/callback": {"GET": PUBLIC},
    # A client that has the link of a receipt may read it
    "receipts/<str:token>": {"GET": PUBLIC},
    "receipts/<str:token>/pdf": {"GET": PUBLIC},
    "receipts/<str:token>/csv": {"GET": PUBLIC},
    "receipts/<str:token>/xlsx": {"GET": PUBLIC},
    # Where Wave sends a payer's browser back
    "partners/wave/done": {"GET": PUBLIC},
    "monetization/partners/<str:partner>/balance": {"GET": EVERY_ROLE},
    # Mobile-money partners: their signature, their secret or the secret path proves a delivery
    "monetization/partners/<str:partner>/webhooks": {"POST": PUBLIC},
    "monetization/partners/<str:partner>/webhooks/<str:path_token>": {"POST": PUBLIC, "PUT": PUBLIC},
    "monetization/partners/settle": {"POST": roles(FINANCE)},
    "monetization/partners/settlements": {"GET": STAFF},
    "monetization/partners/settlements/summary": {"GET": STAFF},
    "monetization/partners/settlements/<int:settlement_id>": {"GET": STAFF},
    "monetization/partners/settlements/<int:settlement_id>/approve": {"POST": roles(APPROVER)},
    "monetization/partners/settlements/<int:settlement_id>/reject": {"POST": roles(APPROVER)},
    "monetization/partners/settlements/<int:settlement_id>/execute": {"POST": roles(FINANCE)},
    # transfers
    "monetization/receipts": {"POST": roles(PLATFORM, FINANCE)},
    "monetization/receipts/<str:number>/link": {"DELETE": roles(PLATFORM, FINANCE)},
    # fees
    "monetization/fees/calculate": {"POST": PUBLIC},
    "monetization/fees/tiers": {"GET": PUBLIC},
    "monetization/fees/project-annual-revenue": {"POST": roles(PLATFORM, FINANCE, AUDITOR)},
    # ledger
    "monetization/rates/current": {"GET": EVERY_ROLE},
    "monetization/rates/update": {"POST": roles(FINANCE, APPROVER)},
    "monetization/convert/sats-to-xof": {"POST": EVERY_ROLE},
    "monetization/convert/xof-to-sats": {"POST": EVERY_ROLE},
    # payouts
    "monetization/groups": {"GET": READERS, "POST": roles(PLATFORM)},
    "monetization/groups/<str:group_id>": {"GET": READERS, "PATCH": roles(PLATFORM)},
    "monetization/groups/<str:group_id>/members": {"POST": roles(PLATFORM)},
    "monetization/groups/<str:group_id>/members/<str:user_id>": {"DELETE": roles(PLATFORM)},
    "monetization/members/<str:user_id>": {"PATCH": roles(PLATFORM)},
    "monetization/members/<str:user_id>/credit": {"GET": READERS},
    "monetization/members/<str:user_id>/refunds": {"GET": READERS, "POST": roles(PLATFORM)},
    "monetization/members/<str:user_id>/refunds/<int:refund_id>": {"GET": READERS},
    "monetization/members/<str:user_id>/refunds/<int:refund_id>/cancel": {"POST": roles(PLATFORM, FINANCE)},
    "monetization/cycles": {"GET": READERS, "POST": roles(PLATFORM)},
    "monetization/cycles/<str:cycle_id>": {"GET": READERS},
    "monetization/cycles/<str:cycle_id>/destination": {"PUT": roles(PLATFORM)},
    "monetization/cycles/<str:cycle_id>/winner": {"PUT": roles(PLATFORM)},
    "monetization/cycles/<str:cycle_id>/cancel": {"POST": roles(PLATFORM)},
    "monetization/cycles/<str:cycle_id>/close-short": {"POST": roles(PLATFORM)},
    "monetization/cycles/<str:cycle_id>/contributions": {"GET": READERS, "POST": roles(PLATFORM)},
    "monetization/cycles/<str:cycle_id>/contributions/<int:contribution_id>/cancel": {
        "POST": roles(PLATFORM)
    },
    "monetization/cycles/<str:cycle_id>/contributions/<int:contribution_id>/qr": {"GET": READERS},
    "monetization/cycles/<str:cycle_id>/withdrawal-link": {
        "GET": EVERY_ROLE,
        "POST": roles(PLATFORM),
        "DELETE": roles(PLATFORM),
    },
    "monetization/payouts": {"GET": EVERY_ROLE},
    "monetization/payouts/process": {"POST": roles(PLATFORM)},
    "monetization/payouts/schedule": {"POST": roles(PLATFORM)},
    "monetization/payouts/status/<str:cycle_id>": {"GET": EVERY_ROLE},
    "monetization/payouts/<int:payout_id>": {"GET": EVERY_ROLE},
    "monetization/payouts/<int:payout_id>/retry": {"POST": roles(PLATFORM, FINANCE)},
    "monetization/payouts/<int:payout_id>/cancel": {"POST": roles(PLATFORM, FINANCE)},
    "monetization/payouts/<int:payout_id>/reverse": {"POST": roles(FINANCE, APPROVER)},
    "monetization/payouts/<int:payout_id>/receipt": {"GET": EVERY_ROLE},
}
