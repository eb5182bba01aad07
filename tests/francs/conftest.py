from tests.francs.fixtures import franc_process, francs

__all__ = ["franc_process", "francs"]
