"""What codes, facts and refusals of this app are called."""

from typing import Any

from django.utils.translation import gettext_lazy as _

# States, kinds, actions and reasons, by code.
WORDS: dict[str, Any] = {
    "msat": _("msat"),
    "xof": _("XOF"),
    "revoked": _("revoked"),
    "add_user": _("add user"),
    "change_password": _("change password"),
    "delete_schedule": _("delete schedule"),
    "edit_schedule": _("edit schedule"),
    "edit_user": _("edit user"),
    "enrol_totp_device": _("enrol totp device"),
    "remove_totp_device": _("remove totp device"),
    "revoke": _("revoke"),
    "revoke_token": _("revoke token"),
}
# Facts that rows and the trail keep; an amount's without its unit.
FACTS: dict[str, Any] = {
    "changed": _("changed"),
    "is_active": _("is active"),
    "is_staff": _("is staff"),
    "is_superuser": _("is superuser"),
    "roles": _("roles"),
    "description": _("description"),
    "token_start": _("token start"),
}
# By problem code: what is the matter, and what to do next.
REFUSALS: dict[str, tuple[Any, Any]] = {
    "token-missing": (
        _("Token %(token_start)s… is gone already."),
        _("There is nothing to revoke."),
    ),
}
