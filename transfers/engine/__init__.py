"""The engine: pays each due disbursement at most once, through any crash.

In the order of a payment's life: `claims` takes what is due under a lease, `steps` tells one disbursement's life
(prepare, open the attempt, send, settle, or ask what became of it), `opening` commits the intent, `closing` books
outcomes, `policy` decides what a failure means. `lives` brings many lives forward at once: one thread speaks to the
database and makes writes of the same kind together, many threads speak to the outside. `heartbeat` renews the leases of
everything in hand, `runner` claims and begins as long as lanes are free.

Between two transactions of a life there is at most one foreign call. Whatever dies in between, the next claim finds
the open attempt and asks the outside first; only an order the outside has never seen is sent again, and it is the same
order. What is written together is written for all or for none; what cannot be written for all is written for each
alone.
"""
