from sunusav.core.roles import Role

SEE_SCHEDULES = ["django_celery_beat.view_periodictask"]
EDIT_SCHEDULES = ["django_celery_beat.change_periodictask"]
SEE_ROLES = ["auth.view_group"]

GRANTS: list[tuple[Role, list[str]]] = [
    (Role.FINANCE, SEE_SCHEDULES),
    (
        Role.OPERATOR,
        [*SEE_SCHEDULES, *EDIT_SCHEDULES, *SEE_ROLES, "knox.view_authtoken", "knox.delete_authtoken"],
    ),
    (Role.AUDITOR, [*SEE_SCHEDULES, *SEE_ROLES, "knox.view_authtoken"]),
]
