"""A simulated Wave: payouts, checkout sessions, balance and transactions, as docs.wave.com describes them.

`dialect` reads the calls and checks keys and signatures; `payouts`, `checkout` and `transactions` are the rules;
`errors` has the shapes of its errors; `pages` shows phones, and has a person pay a session. Wave itself has no sandbox.
"""
