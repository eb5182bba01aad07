"""Production's settings. Requests are counted by the throttles as there, with limits that no bench reaches."""

from sunusav.settings.production import *  # noqa: F403  (a settings layer)
from sunusav.settings.production import REST_FRAMEWORK

REST_FRAMEWORK = {
    **REST_FRAMEWORK,
    "DEFAULT_THROTTLE_RATES": dict.fromkeys(("anonymous", "client", "login"), "1000000000/min"),
}
RATE_SOURCES = []
