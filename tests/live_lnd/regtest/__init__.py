"""Two real LND nodes on a private regtest chain (btcd), on loopback, with their data in a throw-away folder.

`programs` builds them with Go from the versions in `go.mod`; `network` starts and connects them;
`python -m tests.live_lnd.regtest build|serve` does both by hand. See docs/live-lnd.md.
"""
