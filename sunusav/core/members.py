"""What members read outside the back office, such as in a wallet: in the language of the installation."""

from typing import Any

from django.conf import settings
from django.utils import translation


def for_members(text: Any, **facts: Any) -> str:
    """Return a translatable text, with its facts, in LANGUAGE_CODE: each member reads the same, no matter who asks."""
    with translation.override(settings.LANGUAGE_CODE):
        return str(text) % facts
