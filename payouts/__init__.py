"""Tontines: groups, their members and cycles, and the payout of each cycle's pot to its winner.

A *cycle* collects one contribution from each person who was a member when it was created. It is *ready* when each
contribution is settled in full; then its pot, less the fee, is paid out. Only `collecting` and `ready` are stored: what
a contribution has received is read from its collection, and whether a cycle is paid from its disbursement, both in
`transfers`. This app decides who may be paid what, when and where, and requests it from `transfers`.
Locks: the cycle first, then its disbursement.
"""
