"""Fees: what a payout costs, who gets which part of it, and why.

Rules live in fee schedules: immutable published versions with an effective date (brackets, discounts, shares,
limits). A draft is edited by finance and published by a second person (`approvables.py`). Apps above grant
discounts to holders (`group:<id>`, `user:<id>`). A fee is *quoted* from claims (`queries.quote`), *fixed*
once from our records when an order is committed (`services.fix_fee`), and *recorded* when the payout
completed (`services.record_fee`); a reversed payout appends the same record with negative amounts. The
arithmetic (whole numbers, one floor at the end) is in `calculations.py`.
"""
