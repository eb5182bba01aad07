"""Request bodies (`bodies`) and responses (`answers`, `withdrawals`). The API's own names are used here only."""
