"""What codes, facts and refusals of this app are called."""

from typing import Any

from django.utils.translation import gettext_lazy as _

# States, kinds, actions and reasons, by code.
WORDS: dict[str, Any] = {
    "issue_token": _("issue token"),
    "revoke_tokens": _("revoke tokens"),
    "deliver_messages_to_the_platform": _("deliver messages to the platform"),
    "check_health": _("check health"),
    "clean_up": _("clean up"),
}
# Facts that rows and the trail keep; an amount's without its unit.
FACTS: dict[str, Any] = {
    "changed_at": _("changed at"),
    "changed_by": _("changed by"),
    "code": _("code"),
    "components": _("components"),
    "expires_at": _("expires at"),
    "role": _("role"),
    "status": _("status"),
    "tokens": _("tokens"),
    "version": _("version"),
    "detail": _("detail"),
}
