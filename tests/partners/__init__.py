"""The mobile-money partners: one contract for all, and what is special about each."""
