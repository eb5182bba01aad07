"""Fees: what a payout costs, who receives which share of the fee, and why.

A fee schedule is a published, immutable version with an effective date: brackets, discounts, shares and limits.
Finance edits a draft, and a second person publishes it (`approvables.py`). Apps above grant discounts to holders
(`group:<id>`, `user:<id>`). A fee is *quoted* from what a client claims (`queries.quote`), *fixed* once from our
records when an order is committed (`services.fix_fee`), and *recorded* when the payout has completed
(`services.record_fees`). The reversal of a payout appends the same record with negative amounts. The arithmetic (whole
numbers, rounded once) is in `calculations.py`.
"""
