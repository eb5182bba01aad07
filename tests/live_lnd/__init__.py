"""The contract with LND, tested on two back-ends: simulated nodes always, real ones when LND_TEST_* are set.

See docs/live-lnd.md.
"""
