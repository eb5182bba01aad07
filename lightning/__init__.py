"""The Lightning room: our LND client, BOLT 11, the rail and collector, the listener, the simulated node.

It knows the floors below (`transfers`, `fees`, `ledger`, `core`) and no room beside it. `transfers` reaches
it by the dotted paths in `RAILS` and `COLLECTORS`; `rail` and `collector` ask and pay the node and write
nothing there. `client` speaks gRPC to LND and turns its errors into four of our own: unavailable, refused,
answer unknown, misconfigured. `invoices` judges whether an invoice may be paid. `listener` follows the
node's settlements and keeps where it stopped in `ListenerCursor`. `bolt11`, `proto` and `simulator` need
neither Django nor settings.
"""
