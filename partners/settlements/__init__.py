"""Settlements: what a partner's shares of fees come to in a calendar month, approved by two people and paid once.

A window [start, end) of a partner is a month in Dakar. It is closed when its settlement is first proposed: that fixes
what accrued in it, in sats and exactly in francs at the rates booked with the fees. Whole francs are due; what they
leave over opens the next window, and its sats stay in the partner's reserve until it is paid.
`calculations` is the arithmetic, `services` proposes, approves and pays, `queries` says how far each settlement is:
the row stores a stage, and while a payment is on its way its disbursement says the rest.
"""
