"""Partners in use, their webhooks, and the minimum of our money there."""

from partners.admin import evidence, floats, webhooks

__all__ = ["evidence", "floats", "webhooks"]
