"""Wave (Senegal): pays out to phones by its payout API, collects by checkout sessions.

`client` makes one call per method, `outcomes` is the table from Wave's answers to ours, `statement` lists payouts day
by day. Wave has no sandbox: every call to its own host is about live money. docs/partners/wave.md is for operators.
"""
