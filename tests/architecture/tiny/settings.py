"""The settings of the tests with the tiny app in the list of apps: the one line that a new app needs."""

from sunusav import app_list

app_list.LAYERS = (("tests.architecture.tiny",), *app_list.LAYERS)

from sunusav.settings.test import *  # noqa: E402, F403  (read after the list is complete)
