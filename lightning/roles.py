from sunusav.core.roles import Role

GRANTS: list[tuple[Role, list[str]]] = [
    (Role.AUDITOR, ["lightning.view_listenercursor"]),
    (Role.OPERATOR, ["lightning.view_listenercursor"]),
]
