"""From a page that shows somebody's name, phone or destination masked to where it is shown in clear, with a reason.

An app below names the person by their subject; the app that shows people in clear lists the URL of that page in
`REVEAL_PAGES` of its `backoffice.py`, by the kind of subject: a function of the key.
"""

from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.actions import Button
from sunusav.core.app_modules import collect_mapping
from sunusav.core.models import User
from sunusav.core.privacy import is_erased
from sunusav.core.subjects import key_of, kind_name

REVEAL_PERMISSION = "core.reveal_person"


def reveal_buttons(user: User, person_ref: str) -> list[Button]:
    """Return the button to the page that asks why a person is shown in clear; none where nobody is to be shown.

    That page checks the permission and the reason again, and records both.
    """
    page = collect_mapping("backoffice", "REVEAL_PAGES").get(kind_name(person_ref))
    if page is None or not user.has_perm(REVEAL_PERMISSION) or is_erased(person_ref):
        return []
    url = page(key_of(person_ref))
    return [Button(_("Show name, phone and destinations"), url, "default")] if url else []
