"""Collect what apps contribute, so that no lower app imports or lists a higher one.

An app has a module of an agreed name (`invariants`, `health`, `metrics`, `approvables`, `roles`, `schedule`,
`phrases`, `backoffice`) with lists or dictionaries of agreed names.
"""

from typing import Any

from django.apps import apps

from sunusav import app_list


def collect(module_name: str, attribute: str) -> list[Any]:
    """Return the items of `attribute` in that module of every installed app of ours, the lowest layer first."""
    return [item for found in reversed(_values(module_name, attribute)) for item in found]


def collect_mapping(module_name: str, attribute: str) -> dict[str, Any]:
    """Return the entries of `attribute` in that module of every installed app of ours; a higher layer's entry wins."""
    return {key: value for found in reversed(_values(module_name, attribute)) for key, value in found.items()}


def _values(module_name: str, attribute: str) -> list[Any]:
    modules = app_list.submodules(module_name)
    return [
        getattr(module, attribute)
        for module in modules
        if apps.is_installed(module.__name__.removesuffix(f".{module_name}")) and hasattr(module, attribute)
    ]
