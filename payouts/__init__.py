"""Tontines: groups, their members and cycles, and the payout of each cycle's pot to its winner.

A *cycle* collects one contribution from everybody who was a member when it was created, is *ready* when each is
settled in full, and then has its pot paid out, less the fee. Only `collecting` and `ready` are stored: what a
contribution has received is read from its collection, and whether a cycle is paid from its disbursement, both in
`transfers`. This room decides who may be paid what, when, and where to, and asks `transfers` for it.
Locks: the cycle first, then its disbursement.
"""
