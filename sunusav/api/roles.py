from sunusav.core.roles import Role

GRANTS = [
    *[(role, ["api.view_health"]) for role in Role],
    (Role.OPERATOR, ["api.view_metrics"]),
]
