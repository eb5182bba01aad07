"""Partners in use, their webhooks, the minimum of our money there, and settlements."""

from partners.admin import evidence, floats, webhooks
from partners.settlements import admin as settlements

__all__ = ["evidence", "floats", "settlements", "webhooks"]
