"""A mobile-money provider in whole francs, for tests: its server, and a rail and a collector that call it.

It stands for any provider: it has no partner's name or format. `server` runs as a process of its own and keeps its
state in one SQLite file; `process` starts, kills, freezes and restarts it; `control` steers it and reads its record.
"""
