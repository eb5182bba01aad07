"""Groups, members and cycles: read-only pages, and actions with a confirmation page."""

from payouts.admin import people, tontines

__all__ = ["people", "tontines"]
