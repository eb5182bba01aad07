"""The engine: pays each due disbursement at most once, through any crash.

In the order of a payment's life: `claims` takes what is due under a lease, `steps` does one disbursement (prepare,
open the attempt, send, settle, or ask what became of it), `closing` books outcomes, `policy` decides what a failure
means, `heartbeat` renews leases while work goes on, `runner` runs many at once.

Between two transactions there is at most one foreign call. Whatever dies in between, the next claim finds the open
attempt and asks the outside first; only an order the outside has never seen is sent again, and it is the same order.
"""
