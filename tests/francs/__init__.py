"""An invented mobile-money partner in whole francs: the proof that a new partner is one folder and one line.

It stands for any partner and has nobody's format. `provider` has its rules and `dialect` its HTTP calls, served by
`sandbox.simulator`; `client`, `rail` and `collector` are ours, as those of a partner in `partners/`. `process` runs it,
`control` steers it and reads its record, and `harness` hands it to the contract suite.
"""
