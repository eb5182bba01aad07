"""Filters of the timeline: moments to the second, in Dakar's time."""

from django import template

from sunusav.backoffice import facts

register = template.Library()
register.filter("instant", facts.instant)
