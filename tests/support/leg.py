"""Choose the database of a test run (its leg) before Django reads its settings.

A pytest plugin, loaded by `-p` in pyproject.toml. TEST_DATABASE is `mariadb` or `sqlite`; unset, MariaDB is used
where it is installed. On the MariaDB leg the controlling process runs one private server for all its workers;
TEST_DATABASE_URL names another server to use instead, such as compose's MySQL 8.
"""

import atexit
import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.mariadb import find_installation, mariadb

CHOICE, GIVEN_URL, URL = "TEST_DATABASE", "TEST_DATABASE_URL", "MONETIZATION_DATABASE_URL"
LEGS = ("mariadb", "sqlite")
# The servers of tests are forked from this process. gRPC's fork support would start threads in the child before its
# exec, and they sometimes abort it. gRPC reads the variable when it is imported, which Django's setup does: the
# plug-in is imported before. Processes that have to fork are started with `tests.support.lightning.forking`.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
_servers = ExitStack()
atexit.register(_servers.close)  # also runs after an error that precedes pytest's own hooks


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Choose the leg and start its server, in a wrapper because pytest-django loads the settings in the same hook."""
    options = early_config.known_args_namespace
    if "PYTEST_XDIST_WORKER" not in os.environ and not (options.help or options.version):
        leg = chosen_leg()
        os.environ[CHOICE] = leg  # workers inherit both
        os.environ[URL] = _url() if leg == "mariadb" else ""  # empty, not unset: .env must not fill it in
    return (yield)


def pytest_report_header() -> str:
    return f"database: {os.environ.get(CHOICE, 'none')}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that need MariaDB on the SQLite leg; they run on the other leg, so none is skipped."""
    if os.environ.get(CHOICE) != "sqlite":
        return
    needs_mariadb = [item for item in items if item.get_closest_marker("mariadb")]
    if needs_mariadb:
        items[:] = [item for item in items if not item.get_closest_marker("mariadb")]
        config.hook.pytest_deselected(items=needs_mariadb)


def chosen_leg() -> str:
    """Return the leg asked for, or MariaDB where there is one.

    Raises: pytest.UsageError for a leg that this machine cannot run; on CI also if no leg was chosen.
    """
    asked = os.environ.get(CHOICE, "")
    if asked not in (*LEGS, ""):
        raise pytest.UsageError(f"{CHOICE} is {asked!r}; it may be {' or '.join(LEGS)}")
    if asked == "sqlite":
        return asked
    missing = _what_mariadb_lacks()
    if not missing:
        return "mariadb"
    if asked or os.environ.get("CI"):
        raise pytest.UsageError(
            f"the MariaDB leg cannot run: {missing}. `make test LEGS=sqlite` runs the other one alone."
        )
    return "sqlite"


def _what_mariadb_lacks() -> str:
    try:
        import MySQLdb  # noqa: F401 - optional: a machine without the C library goes without
    except ImportError:
        return "mysqlclient is not installed"
    if os.environ.get(GIVEN_URL) or find_installation():
        return ""
    return "no MariaDB server is installed (mariadb-server-core, mariadb-client-core)"


def _url() -> str:
    given = os.environ.get(GIVEN_URL)
    return given or _servers.enter_context(mariadb()).url()
