"""Names of this app's codes and facts."""

from typing import Any

from django.utils.translation import gettext_lazy as _

# Labels of codes: states, kinds, actions, reasons.
LABELS: dict[str, Any] = {
    # Components of the health
    "health.broker": _("broker of messages"),
    "health.workers": _("workers"),
    "health.beat": _("clock of the periodic tasks"),
    "health.backlog": _("tasks and payments that are late"),
    "health.outgoing": _("outgoing money"),
    # Actions in the trail
    "issue_token": _("issue token"),
    "revoke_tokens": _("revoke tokens"),
    # Periodic tasks
    "deliver_messages_to_the_platform": _("deliver messages to the platform"),
    "check_health": _("check health"),
    "record_health": _("record health"),
    "clean_up": _("clean up"),
}
# What entries of the trail say happened
EVENTS: dict[str, Any] = {
    "user.issue_token": _("Access token issued for the role %(role)s"),
    "user.revoke_tokens": _("Access tokens revoked: %(tokens)s"),
}
# Labels of facts; a fact with a unit (`fee_sats`) is named here without it (`fee`).
FACTS: dict[str, Any] = {
    # Tokens
    "role": _("role"),
    "expires_at": _("expires at"),
    "tokens": _("tokens"),
}
