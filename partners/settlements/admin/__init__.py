from partners.settlements.admin import accounts, approved, evidence, settlements

__all__ = ["accounts", "approved", "evidence", "settlements"]
