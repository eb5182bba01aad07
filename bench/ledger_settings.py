"""The settings of the benches with django-hordak installed as well, so that both ledgers write into one server."""

from bench.full_settings import *  # noqa: F403  (a settings layer)
from bench.full_settings import INSTALLED_APPS

INSTALLED_APPS = ["hordak", "mptt", *INSTALLED_APPS]
HORDAK_CURRENCIES = ["XOF"]
HORDAK_INTERNAL_CURRENCY = "EUR"  # of its currency converter, which knows no XOF; nothing is converted
