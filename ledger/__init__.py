"""The books: what every movement of money is written in, and what proves it.

Accounts are named by role, currency and owner and open on first use. A journal transaction is two or more
entries that balance per currency (debit positive); it is appended once per reference and never changed: a
mistake is reversed by another transaction. A sealer chains transactions by hash and moves the checkpoints
that balances start from. Exchange rates are appended too: the median of market sources, a fallback that is
always marked, or a manual rate by two people; conversions name their rounding and store the rate they used.
The auditor runs the invariants of every room and closes the outgoing switch when one is broken. Other rooms
come in by `ledger.services` (post, reverse, …), `ledger.queries`, `ledger.calculations` and `ledger.types`.
"""
