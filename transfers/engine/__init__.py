"""The payment engine: pays each due disbursement at most once, through any crash.

`runner` claims what is due (`claims`, under a lease that `heartbeat` renews) and runs one flow per disbursement in a
`flow_runner`. `flows` is that flow: prepare the order, open the attempt (`opening`), send it, and record the outcome
(`paid`, `unpaid`, `unresolved`); or query the provider about an attempt that is still open. `policy` decides what
follows a failure, `gates`, `breaker` and `deferring` what has to wait.

Between two transactions of a flow there is at most one provider call. After a crash in between, the next claim finds
the open attempt and queries the provider first. Only an order that the provider has never seen is sent again, and it
is the same order. Writes of many flows are batched: all or none, and where a batch fails, each write alone.
"""
