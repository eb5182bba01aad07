"""LND's names of networks and the BOLT 11 prefixes that belong to them."""

from lightning.client.errors import NodeMisconfigured

# LND `lncfg`/`chainreg`; testnet4 shares its prefix with testnet (lightning.md 4.2).
INVOICE_PREFIXES = {
    "mainnet": "bc",
    "testnet": "tb",
    "testnet4": "tb",
    "signet": "tbs",
    "regtest": "bcrt",
    "simnet": "sb",
}


def invoice_prefix(network: str) -> str:
    """Return the prefix of invoices on LND's network of that name. Raises: NodeMisconfigured."""
    if network not in INVOICE_PREFIXES:
        raise NodeMisconfigured(f"LND_NETWORK is {network!r}, not one of {sorted(INVOICE_PREFIXES)}")
    return INVOICE_PREFIXES[network]
