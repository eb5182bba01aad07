import pytest

from fees import queries
from ledger.models import ExchangeRate
from sunusav.core.models import User
from sunusav.core.roles import Role
from tests.fees.builders import person, stored_rate


@pytest.fixture(autouse=True)
def _schedules_forgotten():
    """Clear the process cache, which holds the rows of another test."""
    queries.forget_schedules()
    yield
    queries.forget_schedules()


@pytest.fixture
def rate(db) -> ExchangeRate:
    return stored_rate()


@pytest.fixture
def finance(db) -> User:
    return person("awa", Role.FINANCE)


@pytest.fixture
def approver(db) -> User:
    return person("binta", Role.APPROVER)
