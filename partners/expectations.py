"""What this app expects in statements."""

from partners.settlements.expectations import EXPECTATIONS

__all__ = ["EXPECTATIONS"]
