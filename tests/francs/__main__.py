from sandbox.simulator.serving import main
from tests.francs.dialect import FrancDialect

main(FrancDialect)
