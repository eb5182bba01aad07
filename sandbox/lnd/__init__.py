"""Simulated Lightning nodes that serve LND's gRPC, for tests, benchmarks and the demo. Never for production.

One process runs a world of nodes that pay each other with signed invoices and real preimages. Its state is in SQLite
and survives a SIGKILL; faults can be scripted. `rows` and `store` hold the state, `invoices` receives, `payments` pays,
`duplicates` refuses a hash that the node already has, `chain` has the heights, `world` connects the nodes, `faults`
holds the scripts, `services` implements LND's API, `interceptor` checks macaroons, `control_calls` is the HTTP API for
tests. Needs neither Django nor settings. See docs/simulated-node.md.
"""
