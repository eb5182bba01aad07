"""Partners in use, their webhooks, and the minimum of our money there."""

from partners.admin import floats, webhooks

__all__ = ["floats", "webhooks"]
