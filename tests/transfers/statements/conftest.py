import pytest

from tests.factories.statements import Expectations


@pytest.fixture
def awaited(monkeypatch: pytest.MonkeyPatch) -> Expectations:
    """What one app expects in the statements of a partner and the bank."""
    expectations = Expectations()
    monkeypatch.setattr("transfers.expectations.EXPECTATIONS", [expectations.source])
    return expectations
