"""The Lightning room: our LND client, BOLT11, LNURL, the rail and collector, the listener, the simulated node.

It knows the floors below (`transfers`, `fees`, `ledger`, `core`) and no room beside it. `transfers` reaches it by the
dotted paths in `RAILS` and `COLLECTORS`. `lightning.proto` and `lightning.simulator` need neither Django nor settings.
"""
