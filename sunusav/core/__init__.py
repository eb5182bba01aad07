"""What every other app builds on.

Users and roles, money units, the clock, kinds of errors, state transitions, the append-only audit trail and its
sealer, approvals by a second person, switches (pausing outgoing money), the outbox, wake-ups of workers, erasable
personal data, HTTP with limits, and the collection of what apps contribute: invariants, health checks, metrics,
approvables, roles, schedules, phrases and back office pages. Core imports no other app.
"""
