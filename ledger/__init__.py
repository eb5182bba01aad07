"""The books: the journal of every movement of money, exchange rates, and the audit.

An account is identified by role, currency and owner, and is opened when it is first used. A journal transaction has
two or more entries that balance per currency (debit positive). It is appended once per reference and never changed:
a mistake is reversed by another transaction. A sealer chains transactions by hash and moves the checkpoints that
balances start from. Exchange rates are appended too: the median of market sources, a fallback that is always marked,
or a manual rate by two people. A conversion names its rounding and stores the rate it used. The auditor checks the
invariants of every app and pauses outgoing payments on a breach. Other apps use `ledger.services` (post, reverse, …),
`ledger.queries` and `ledger.types`.
"""
