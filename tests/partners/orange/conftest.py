from tests.partners.orange.fixtures import orange, orange_process

__all__ = ["orange", "orange_process"]
