from sandbox.simulator.serving import main
from sandbox.wave.dialect import WaveDialect

if __name__ == "__main__":
    main(WaveDialect)
