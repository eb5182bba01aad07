"""Proof that a refusal changed nothing: every row of every table about money, states and the trail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps

APPS = ("payouts", "partners", "transfers", "fees", "ledger")
CORE_MODELS = ("TrailEntry", "Proposal", "Approval", "OutboxMessage", "Switch")


@contextmanager
def unchanged() -> Iterator[None]:
    """Assert that the block leaves every watched row as it was, and adds none."""
    before = _rows()
    yield
    assert _rows() == before


def _rows() -> dict[str, list[dict[str, Any]]]:
    models = [model for app in APPS for model in apps.get_app_config(app).get_models()]
    models += [apps.get_model("core", name) for name in CORE_MODELS]
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in models}
