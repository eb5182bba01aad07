"""Names of models and fields in the reader's language.

Apps write them in plain English. Here each becomes a lazy translation of itself once all admins are registered;
migrations read what the classes were declared with and see nothing of it. The words are listed in `words.py`.
"""

from typing import Any

from django.contrib.admin import AdminSite
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy


def make_names_translatable(site: AdminSite) -> None:
    """Wrap the names of every registered model, of its fields and of its application."""
    for model in _models(site):
        _wrap_plural(model)
        _wrap(model._meta, "verbose_name")
        _wrap(model._meta.app_config, "verbose_name")
        for field in model._meta.get_fields():
            if isinstance(field, models.Field):
                _wrap(field, "verbose_name")
                _wrap(field, "help_text")


def _models(site: AdminSite) -> list[type[models.Model]]:
    registered = site._registry.items()  # noqa: SLF001  (it has no public list of what is registered)
    return [model for own, its in registered for model in (own, *(inline.model for inline in its.inlines))]


def _wrap_plural(model: type[models.Model]) -> None:
    """Wrap the plural before the singular: where none is declared, Django joins an "s" to the singular."""
    if not isinstance(model._meta.verbose_name, Promise):
        model._meta.verbose_name_plural = gettext_lazy(str(model._meta.verbose_name_plural))


def _wrap(named: Any, attribute: str) -> None:
    name = getattr(named, attribute)
    if isinstance(name, str) and name and not isinstance(name, Promise):
        setattr(named, attribute, gettext_lazy(name))
