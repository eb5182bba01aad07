"""Names of this app's codes and facts, and phrases of its refusals."""

from typing import Any

from django.utils.translation import gettext_lazy as _

# Labels of codes: states, kinds, actions, reasons.
LABELS: dict[str, Any] = {
    # Actions in the trail
    "add_user": _("add user"),
    "edit_user": _("edit user"),
    "change_password": _("change password"),
    "enrol_totp_device": _("enrol one-time code device"),
    "remove_totp_device": _("remove one-time code device"),
    "revoke_token": _("revoke token"),
    "edit_schedule": _("edit schedule"),
    "delete_schedule": _("delete schedule"),
    # Periodic tasks
    "prepare_exports": _("prepare exports"),
    "delete_expired_exports": _("delete expired exports"),
}
# What entries of the trail say happened
EVENTS: dict[str, Any] = {
    "user.add_user": _("Account created"),
    "user.edit_user": _("Account changed"),
    "user.change_password": _("Password changed"),
    "user.enrol_totp_device": _("Device for one-time codes enrolled"),
    "user.remove_totp_device": _("Device for one-time codes removed"),
    "user.revoke_token": _("Access token %(token_start)s… revoked"),
    "schedule.edit_schedule": _("Schedule changed"),
    "schedule.delete_schedule": _("Schedule deleted"),
}
# Labels of facts; a fact with a unit (`fee_sats`) is named here without it (`fee`).
FACTS: dict[str, Any] = {
    # People
    "changed": _("changed"),
    "roles": _("roles"),
    "is_active": _("is active"),
    "is_staff": _("is staff"),
    "is_superuser": _("is superuser"),
    # Tokens
    "token_start": _("token start"),
    # Schedules: the fields that an operator changed
    "task": _("task"),
    "queue": _("queue"),
    "enabled": _("enabled"),
    "description": _("description"),
    "interval": _("interval"),
    "crontab": _("crontab"),
    "expire_seconds": _("expire seconds"),
}
# By problem code: what happened, and what to do next.
REFUSALS: dict[str, tuple[Any, Any]] = {
    "token-missing": (
        _("Token %(token_start)s… no longer exists."),
        _("There is nothing to revoke."),
    ),
}
