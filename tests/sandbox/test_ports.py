"""Free ports."""

from sandbox.ports import free_ports, is_free


def test_free_ports_are_different() -> None:
    """Ports of separate calls may be one and the same."""
    ports = free_ports(200)
    assert len(set(ports)) == 200
    assert is_free(ports[0])
