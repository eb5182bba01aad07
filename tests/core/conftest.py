from datetime import UTC, datetime

import pytest

from sunusav.core.actors import Actor


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@pytest.fixture
def actor() -> Actor:
    return Actor.system("test")
