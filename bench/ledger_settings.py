"""The benches' settings with django-hordak beside our own rooms, for the ledgers to write into one server."""

from bench.full_settings import *  # noqa: F403  (a settings layer)
from bench.full_settings import INSTALLED_APPS

INSTALLED_APPS = ["hordak", "mptt", *INSTALLED_APPS]
HORDAK_CURRENCIES = ["XOF"]
HORDAK_INTERNAL_CURRENCY = "EUR"  # of its currency converter, which knows no XOF; nothing is converted
