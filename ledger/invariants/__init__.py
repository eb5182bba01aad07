"""What must always hold of the books and the rates, by subject.

Each module yields breaches a page of rows at a time: an audit needs no more memory for a longer history.
"""

from ledger.invariants.balances import BALANCE_INVARIANTS
from ledger.invariants.conversions import CONVERSION_INVARIANTS
from ledger.invariants.journal import JOURNAL_INVARIANTS
from ledger.invariants.schema import SCHEMA_INVARIANTS
from ledger.invariants.seals import SEAL_INVARIANTS

INVARIANTS = [
    *JOURNAL_INVARIANTS,
    *BALANCE_INVARIANTS,
    *SCHEMA_INVARIANTS,
    *CONVERSION_INVARIANTS,
    *SEAL_INVARIANTS,
]
