"""Everything simulated: the Lightning node, the demo's data and processes. Production neither installs nor ships it.

`make run` and `make demo` need only Python: `bootstrap` prepares the virtual environment, `launch` starts the processes
(web, workers, beat, listener, Flower, an embedded Redis, the simulated node `sandbox.lnd`), `seeding` creates people, a
group and two cycles, and `scenario` acts as platform, members and winner over the API until the receipt is printed.
"""
