"""System checks: every rail and collector named in settings exists and is one."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string

RAIL_PARTS = (
    "account",
    "cost_account",
    "check",
    "payee_of",
    "prepare",
    "send",
    "find",
    "verify",
    "balance",
    "statement",
    "has_statement",
    "states_cost",
)
COLLECTOR_PARTS = (
    "account",
    "wants_phone",
    "needs_phone",
    "paid_late_for",
    "open",
    "reference_of",
    "find",
    "cancel",
)


@register()
def plugins_exist(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse to start with a rail or collector that cannot be loaded or lacks a part of its interface."""
    plugins: list[tuple[str, tuple[str, ...]]]
    plugins = [(path, RAIL_PARTS) for path in settings.RAILS.values()]
    plugins += [(path, COLLECTOR_PARTS) for path in settings.COLLECTORS.values()]
    plugins += [(path, ()) for path in settings.WITHDRAWAL_CODES.values()]
    return [error for path, parts in plugins if (error := _check(path, parts))]


def _check(path: str, parts: tuple[str, ...]) -> CheckMessage | None:
    try:
        plugin = import_string(path)
    except ImportError as error:
        return Error(f"{path} cannot be loaded: {error}", id="transfers.E001")
    missing = [part for part in parts if not hasattr(plugin, part)]
    return Error(f"{path} lacks {', '.join(missing)}", id="transfers.E002") if missing else None
