"""System checks of what proves the webhooks of partners; none of them calls a partner."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.utils.module_loading import import_string

from partners.config import secrets
from partners.webhooks.loading import webhooks_of

_TOKEN = re.compile(r"[0-9a-f]{64}", re.ASCII)


@register()
def plug_ins_can_be_made(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse variables with which a partner's rail or collector cannot be made: every claim of a payment needs it."""
    return [error for name in settings.PARTNERS if (error := _error_of(name)) is not None]


def _error_of(partner: str) -> CheckMessage | None:
    plug_ins = [paths[partner] for paths in (settings.RAILS, settings.COLLECTORS) if partner in paths]
    try:
        for path in plug_ins:
            import_string(path)()
    except (ValueError, ImportError) as error:
        return Error(f"{partner} cannot be used: {error}", id="partners.E011")
    return None


@register()
def path_tokens_are_unguessable(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse tokens that could be guessed, or that the log would show: it hides hexadecimal digits in paths."""
    weak = [token for token in secrets("MTN_WEBHOOK_TOKENS") if not _TOKEN.fullmatch(token.value())]
    if not weak:
        return []
    return [Error("Each of MTN_WEBHOOK_TOKENS must be 64 hexadecimal digits.", id="partners.E010")]


@register(Tags.security, deploy=True)
def webhooks_can_be_proved(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Warn of partners whose webhooks are all refused: their payments are then found by polling alone."""
    return [
        CheckWarning(
            f"Every webhook of {partner} is refused: none of {', '.join(webhooks_of(partner).variables)} is set.",
            hint="Set what the partner's portal shows for the webhook, or ignore this while it has none.",
            id="partners.W010",
        )
        for partner in settings.PARTNERS
        if not any(secrets(variable) for variable in webhooks_of(partner).variables)
    ]
