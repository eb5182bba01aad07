"""Our apps in layer order, top layer first: the one list to which a new app is added.

Installed apps, URL includes, Celery queues, routes and schedules are made from it, and so is what `core.app_modules`
collects; the layers of import-linter in pyproject.toml are compared with it. Settings read this
module, so it does not import Django.
"""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

# For the demo and tests; production does not install it.
SANDBOX = "sandbox"
LAYERS: tuple[tuple[str, ...], ...] = (
    (SANDBOX,),
    ("payouts", "lightning", "partners"),
    ("transfers",),
    ("fees",),
    ("ledger",),
    ("sunusav.api", "sunusav.backoffice"),
    ("sunusav.core",),
)


def apps() -> list[str]:
    """Return every app of ours, the top layer first."""
    return [app for layer in LAYERS for app in layer]


def production_apps() -> list[str]:
    """Return the apps that production installs, the top layer first."""
    return [app for app in apps() if app != SANDBOX]


@cache
def submodules(name: str) -> tuple[ModuleType, ...]:
    """Import and return the module of this name of each app that has one, the top layer first.

    The sandbox contributes nothing, so that production reads none of it even where its folder is present.
    """
    return tuple(import_module(f"{app}.{name}") for app in production_apps() if _has(app, name))


def _has(app: str, name: str) -> bool:
    try:
        return find_spec(f"{app}.{name}") is not None
    except ModuleNotFoundError as error:
        if error.name is None or not f"{app}.{name}".startswith(f"{error.name}.") or error.name == app:
            raise  # the app is missing, or its own import failed: it must not vanish silently
        return False  # the app has no such package
