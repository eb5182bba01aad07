"""Tags of the back office's pages."""

from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

from sunusav.backoffice.navigation import area_of

register = template.Library()


@register.simple_tag(takes_context=True)
def place(context: template.Context) -> list[tuple[Any, str]]:
    """Return where the page stands, as texts with their addresses: area, list, row or page."""
    options, title = context.get("opts"), context.get("title", "")
    last = context.get("subtitle") or title
    if options is None:
        return [(last, "")]
    area = area_of(options.label_lower)
    name = str(capfirst(str(options.verbose_name_plural)))
    parts: list[tuple[Any, str]] = [(area.value, area.url())] if area else []
    return [*parts, (last, "")] if last == name else [*parts, (name, _list_url(options)), (last, "")]


def _list_url(options: Any) -> str:
    try:
        return reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
    except NoReverseMatch:
        return ""


@register.filter
def with_main(page: SafeString) -> SafeString:
    """Mark unfold's content as the main part of the page, where the skip link leads."""
    return mark_safe(page.replace('<div id="content" ', '<div id="content" role="main" tabindex="-1" ', 1))  # noqa: S308  (it was safe before)
