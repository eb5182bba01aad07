"""What must always hold of cycles and their pots, and of people whose data was erased."""

from payouts.invariants import cycles, people
from sunusav.core.auditing import Invariant

INVARIANTS = [
    *cycles.INVARIANTS,
    Invariant("I16", "two people had every erased name and phone erased", people.two_people_erased),
]
