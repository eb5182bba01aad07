"""Collect what apps contribute, so that no lower app imports or lists a higher one.

`CONTRIBUTIONS` has the modules that an app may have, and the names in each: `True` where the module must define it.
"""

from typing import Any

from django.apps import apps

from sunusav import app_list

CONTRIBUTIONS: dict[str, dict[str, bool]] = {
    "invariants": {"INVARIANTS": True},
    "health": {"HEALTH_CHECKS": True},
    "metrics": {"METRICS": True},
    "approvables": {"APPROVABLES": True},
    "roles": {"GRANTS": True},
    "subjects": {"SUBJECT_KINDS": True},
    "encrypted_columns": {"ENCRYPTED_COLUMNS": True},
    "personal_data": {"SECTIONS": False, "NOT_EXPORTED": False},
    "figures": {"DAILY_SERIES": False},
    "charts": {"CHARTS": False},
    "switches": {"SENDS_THAT_MAY_LEAVE": False, "HELD_BY_PAUSE": False},
    "cleaning": {"CLEAN_UPS": True},
    "receipt_kinds": {"RECEIPTS": True},
    "expectations": {"EXPECTATIONS": True},
    "falling_due": {"FALLING_DUE": True},
    "schedule": {"SCHEDULE": True, "WAKE_UPS": False, "ALIASES": False},
    "phrases": dict.fromkeys(
        [
            "LABELS", "FACTS", "REASONS", "REFUSALS", "PROPOSALS", "CODES", "HASHES", "LONG_TEXTS", "SUBJECTS",
            "ACTORS", "TONES", "IN_CURRENCY", "EVENTS", "EVENT_TONES", "TOPICS",
        ],
        False,
    ),
    "exports": {"EXPORTS": False},
    "backoffice": dict.fromkeys(
        [
            "INBOX", "HELD_BY_PAUSE", "FRANCS", "NAVIGATION", "PROPOSAL_PAGES", "FACT_FORMATS", "SEARCHES",
            "REVEAL_PAGES", "PAGE_FORMATS",
            "TIMELINES", "RELATED_SUBJECTS", "NEXT_STEPS",
        ],
        False,
    ),
}  # fmt: skip


def collect(module_name: str, attribute: str) -> list[Any]:
    """Return the items of `attribute` in that module of every installed app of ours, the lowest layer first."""
    return [item for found in reversed(_values(module_name, attribute)) for item in found]


def collect_mapping(module_name: str, attribute: str) -> dict[str, Any]:
    """Return the entries of `attribute` in that module of every installed app of ours.

    Raises: ValueError when two apps give one key different values.
    """
    found: dict[str, Any] = {}
    for values in _values(module_name, attribute):
        for key, value in values.items():
            if found.setdefault(key, value) != value:
                raise ValueError(f"two apps differ in {attribute}[{key!r}]")
    return found


def _values(module_name: str, attribute: str) -> list[Any]:
    is_required = CONTRIBUTIONS[module_name][attribute]
    modules = app_list.submodules(module_name)
    return [
        getattr(module, attribute)
        for module in modules
        if apps.is_installed(module.__name__.removesuffix(f".{module_name}"))
        and (is_required or hasattr(module, attribute))
    ]
