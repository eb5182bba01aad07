"""Fixtures that whole folders of tests use: after each test, what it wrote is searched for what must not be there."""

from collections.abc import Iterator

import pytest

from tests.support import leaks, messages


@pytest.fixture(autouse=True)
def written_facts_guarded(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test with a database, check the trail and the messages to the platform that it left."""
    has_database = request.node.get_closest_marker("django_db") is not None
    if has_database:
        request.getfixturevalue("db")
    yield
    if has_database:
        leaks.require_no_destination_in_trail_or_messages()
        messages.require_fields_of_the_table()


@pytest.fixture
def log_lines() -> Iterator[list[str]]:
    """Collect every log line of a test; fail for one that contains something private that the test stored."""
    with leaks.every_log_line() as lines:
        yield lines
    leaks.require_nothing_private_in(lines)
