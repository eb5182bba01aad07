"""Simulated Lightning nodes that speak LND's wire, for tests, benches and the demo. Never for production.

One process holds a small world of nodes that pay each other with real signed invoices and real preimages, keeps its
state in SQLite through its own SIGKILL, and can be told to misbehave. `rows` and `store` are what is durable;
`invoices` receives, `payments` pays, `world` lets them meet; `faults` is the script of misbehaviour; `services` is
LND's wire over them, `doorkeeper` its macaroons; `control_calls` is our own door. Pure Python: no Django, no settings.
See docs/simulated-node.md.
"""
