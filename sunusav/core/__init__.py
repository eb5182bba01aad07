"""The ground floor: what every room stands on and nobody's business in particular.

Users and roles, money units, the clock, error kinds, state transitions, the append-only trail with its
sealer, approvals by a second person, switches (pause of outgoing money), the outbox, doorbells, erasable
personal data, safe HTTP, and gathering (how rooms contribute invariants, health checks, metrics, approvables
and grants without imports).
"""
