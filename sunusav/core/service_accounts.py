"""The account in whose name schedules and commands propose what people decide: a program that cannot log in."""

from typing import Final

from django.contrib.auth.models import Permission

from sunusav.core.models import User

SCHEDULER: Final = "scheduler"


def scheduler_account(permission: str) -> User:
    """Return the scheduler's account, which is given this permission to propose if it lacks it."""
    user, is_new = User.objects.get_or_create(username=SCHEDULER, defaults={"is_service": True})
    if is_new:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    if not user.has_perm(permission):
        app_label, _, codename = permission.partition(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app_label, codename=codename)
        )
        user = User.objects.get(pk=user.pk)
    return user
