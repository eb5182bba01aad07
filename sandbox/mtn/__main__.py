from sandbox.mtn.dialect import MtnDialect
from sandbox.simulator.serving import main

if __name__ == "__main__":
    main(MtnDialect)
