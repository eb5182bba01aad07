from collections.abc import Iterator

import pytest

from sunusav.api.authentication import forget_tokens


@pytest.fixture(autouse=True)
def tokens_forgotten() -> Iterator[None]:
    """Start without remembered tokens: their users are of other tests."""
    forget_tokens()
    yield
    forget_tokens()
