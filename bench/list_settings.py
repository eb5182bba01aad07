"""The settings of tests, with rails and collectors that pay nobody: lists are measured, not payments."""

from sunusav.settings.test import *  # noqa: F403  (a settings layer)

RAILS = {"lightning": "tests.fakes.rail.ScriptedRail"}
COLLECTORS = {"lightning": "tests.fakes.collector.ScriptedCollector"}
ALLOWED_HOSTS = ["testserver"]
