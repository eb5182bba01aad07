"""One contract of LND, two back-ends: the simulated nodes always, real ones when LND_TEST_* name them.

See docs/live-lnd.md.
"""
