"""The packages of the partners, as the settings list them: what this app collects from them."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from django.conf import settings


def modules(name: str) -> list[ModuleType]:
    """Import and return the module of this name of each partner that has one, in use or not."""
    paths = [f"{package}.{name}" for package in settings.PARTNER_PACKAGES.values()]
    return [import_module(path) for path in paths if find_spec(path) is not None]
