"""How rooms contribute to what spans rooms, without anybody importing upward.

A room keeps a module of a known name (`invariants.py`, `health.py`, `metrics.py`, `approvables.py`,
`roles.py`) holding a list of a known name; `gather` collects the lists of all installed rooms.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.apps import apps
from django.utils.module_loading import module_has_submodule


def collect(module_name: str, attribute: str) -> list[Any]:
    """Return the items of `attribute` in every installed room's module of that name, lowest floor first."""
    return [item for module in _modules(module_name) for item in getattr(module, attribute)]


def _modules(module_name: str) -> Iterator[Any]:
    for config in reversed(list(apps.get_app_configs())):
        if module_has_submodule(config.module, module_name) and _is_ours(config.name):
            yield import_module(f"{config.name}.{module_name}")


def _is_ours(name: str) -> bool:
    return not name.startswith(
        ("django.", "rest_framework", "django_", "drf_", "knox", "corsheaders", "djmoney")
    )
