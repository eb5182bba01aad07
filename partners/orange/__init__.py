"""Orange Money Senegal (Sonatel, OpenAPI v1.1.0): cash-in to a phone, payment by QR code or deep link.

Cash-in is not idempotent: one POST per reference. After a lost answer the reference is searched for, and nothing else
is sent until the sender's token has ended, the search is over, and two people decided. `config` reads the environment,
`client` makes the calls, `pins` keeps a refused PIN from being tried again, `outcomes` is the one table from answers
to outcomes, `rail` pays, `collector` requests money.
"""
