"""The payment engine: pays each due disbursement at most once, through any crash and any freeze.

`runner` claims what is due (`claims`, under a lease that `heartbeat` renews) and runs one flow per disbursement in a
`flow_runner`. A flow (`flows`) asks `decisions`, a pure function, what is next, performs it, and asks again with its
outcome. `situation` has what is known, `steps` what can be decided, `policy` the delays. What is decided is written by
`opening`, `paid`, `unpaid`, `unresolved`, `stopping` and `deferring`; `gates`, `breaker` and `switching`
defer what cannot go.

Between two transactions of a flow there is at most one provider call. After a crash in between, the next claim finds
the open attempt and queries the provider first. Only an order that the provider has never seen is sent again, and it
is the same order. Nothing leaves after the moment that was committed with its intent, and nothing else is done for its
subject before that moment has passed. Writes of many flows are batched: all or none; if that fails, each write alone.
"""
