"""Tests of rules over all apps: layers, constraints, URLs, settings, requirements; and of `tests/support`."""
