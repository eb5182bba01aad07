from collections.abc import Iterator

import pytest

from sunusav.api.authentication import forget_tokens


@pytest.fixture(autouse=True)
def tokens_forgotten() -> Iterator[None]:
    """Start with an empty cache of tokens: its users belong to other tests."""
    forget_tokens()
    yield
    forget_tokens()
