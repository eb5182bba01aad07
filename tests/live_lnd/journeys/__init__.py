"""Journeys of the product's own processes over two real nodes, through its API; judged by the node's own record."""
