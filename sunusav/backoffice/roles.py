from sunusav.core.roles import Role

SEE_SCHEDULES = [
    "django_celery_beat.view_periodictask",
    "django_celery_beat.view_intervalschedule",
    "django_celery_beat.view_crontabschedule",
]
EDIT_SCHEDULES = [
    "django_celery_beat.change_periodictask",
    "django_celery_beat.add_intervalschedule",
    "django_celery_beat.add_crontabschedule",
]
SEE_ROLES = ["auth.view_group"]

GRANTS: list[tuple[Role, list[str]]] = [
    (Role.FINANCE, SEE_SCHEDULES),
    (
        Role.OPERATOR,
        [*SEE_SCHEDULES, *EDIT_SCHEDULES, *SEE_ROLES, "knox.view_authtoken", "knox.delete_authtoken"],
    ),
    (Role.AUDITOR, [*SEE_SCHEDULES, *SEE_ROLES, "knox.view_authtoken"]),
]
