from django.db.backends.mysql import base

from sunusav.core.mysql import IDLE_SECONDS

BEGIN = f"SET autocommit = 0, SESSION wait_timeout = {IDLE_SECONDS}"
END = "SET autocommit = 1, SESSION wait_timeout = DEFAULT"


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's connection, with a shorter `wait_timeout` in transactions.

    MariaDB has a setting for idle transactions and MySQL has none. `wait_timeout` does the same on both, and costs
    nothing in the statement with which Django begins or ends a transaction anyway.
    """

    def _set_autocommit(self, autocommit: bool) -> None:  # noqa: FBT001  (Django's signature)
        with self.wrap_database_errors:
            self.connection.query(END if autocommit else BEGIN)
