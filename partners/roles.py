from sunusav.core.roles import Role

VIEW = ["partners.view_inboundwebhook"]

GRANTS: list[tuple[Role, list[str]]] = [
    (Role.FINANCE, VIEW),
    (Role.APPROVER, VIEW),
    (Role.AUDITOR, VIEW),
    (Role.OPERATOR, VIEW),
]
