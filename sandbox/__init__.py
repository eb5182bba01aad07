"""The demo: `make run` and `make demo` on one machine, with nothing but Python.

`bootstrap` prepares the virtual environment, `launch` starts the process tree (web, workers, beat, listener, Flower,
an embedded Redis, a simulated Lightning node), `seeding` creates people, a group and two cycles, and `main_job` acts
as platform, members and winner through the API until the receipt is printed. Not installed in production.
"""
