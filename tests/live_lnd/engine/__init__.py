"""Journeys of the payment engine over two real nodes: its worker processes and the node are frozen and killed.

The node's own record, read with lncli, is compared with our books. See docs/live-lnd.md.
"""
