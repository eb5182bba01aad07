"""Refusals about switches of providers, each named for the fact."""

from sunusav.core.errors import Conflict, Invalid


class ProviderUnknown(Invalid):
    """No rail and no collector has this name."""

    provider: str
    known_providers: list[str]


class ProviderNotSwitchedOff(Conflict):
    """There is nothing to switch on."""

    provider: str
