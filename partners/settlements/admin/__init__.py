from partners.settlements.admin import accounts, approved, contests, evidence, settlements, statements

__all__ = ["accounts", "approved", "contests", "evidence", "settlements", "statements"]
