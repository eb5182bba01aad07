"""The simulated chain: a block every ten minutes since bitcoin's first one. Nothing is stored; the clock decides."""

from hashlib import sha256

GENESIS_AT = 1_231_006_505  # Unix seconds of bitcoin's block 0
BLOCK_SECONDS = 600


def height_at(moment: int) -> int:
    """Return the height of the last block. Units: the moment is in Unix seconds. Rounding: down."""
    return (moment - GENESIS_AT) // BLOCK_SECONDS


def mined_at(height: int) -> int:
    """Return when a block was mined, in Unix seconds."""
    return GENESIS_AT + height * BLOCK_SECONDS


def block_hash(height: int) -> str:
    return sha256(height.to_bytes(8)).hexdigest()
