"""The URL of a test database, for processes that a test starts."""

from collections.abc import Mapping
from typing import Any


def url_of(database: Mapping[str, Any]) -> str:
    """Return the URL of a MySQL or MariaDB database."""
    host = f"{database['HOST']}:{database['PORT']}"
    return f"mysql://{database['USER']}:{database['PASSWORD']}@{host}/{database['NAME']}"
