"""The program: `python -m sandbox.orange --folder FOLDER [--port PORT]`."""

from sandbox.orange.dialect import OrangeDialect
from sandbox.simulator.serving import main

main(OrangeDialect)
