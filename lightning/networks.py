"""LND's network names and their BOLT 11 prefixes."""

from lightning.client.errors import NodeMisconfigured

# Source: LND `lncfg` and `chainreg`; testnet4 shares its prefix with testnet.
INVOICE_PREFIXES = {
    "mainnet": "bc",
    "testnet": "tb",
    "testnet4": "tb",
    "signet": "tbs",
    "regtest": "bcrt",
    "simnet": "sb",
}


def invoice_prefix(network: str) -> str:
    """Return the invoice prefix of a network. Raises: NodeMisconfigured."""
    if network not in INVOICE_PREFIXES:
        raise NodeMisconfigured(f"LND_NETWORK is {network!r}, not one of {sorted(INVOICE_PREFIXES)}")
    return INVOICE_PREFIXES[network]
