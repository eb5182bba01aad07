"""Lightning: our LND client, BOLT 11, LNURL, the rail, the collector and the settlement listener.

`transfers` loads `rail` and `collector` by the dotted paths in `RAILS` and `COLLECTORS`. They query and pay the node,
return outcomes, and write nothing to the database. `client` speaks gRPC to LND and translates its errors into five
kinds: unavailable, refused, too late, answer unknown, and misconfigured, of which a refused macaroon is one. `invoices`
decides whether an invoice may be paid, `node_clock` whether the node refuses what comes late, `liquidity` what can be
sent. `listener` follows the node's settlements and stores its position in `ListenerCursor`. `pages` serves
LNURL-withdraw to wallets. `bolt11`, `proto`, `access_scopes`, `macaroons` and `macaroon_format` need neither Django
nor settings.
"""
