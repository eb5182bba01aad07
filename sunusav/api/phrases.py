"""Names of this app's codes and facts."""

from typing import Any

from django.utils.translation import gettext_lazy as _

# Labels of codes: states, kinds, actions, reasons.
LABELS: dict[str, Any] = {
    # Actions in the trail
    "issue_token": _("issue token"),
    "revoke_tokens": _("revoke tokens"),
    # Periodic tasks
    "deliver_messages_to_the_platform": _("deliver messages to the platform"),
    "check_health": _("check health"),
    "clean_up": _("clean up"),
}
# Labels of facts; a fact with a unit (`fee_sats`) is named here without it (`fee`).
FACTS: dict[str, Any] = {
    # Tokens
    "role": _("role"),
    "expires_at": _("expires at"),
    "tokens": _("tokens"),
}
