"""Choose the database of a test run (its leg) before Django reads its settings.

A pytest plugin, loaded by `-p` in pyproject.toml. TEST_DATABASE is `mariadb` or `sqlite`; unset, MariaDB is used
where it is installed. On the MariaDB leg the controlling process runs one private server for all its workers;
TEST_DATABASE_URL names another server to use instead, such as compose's MySQL 8.
"""

import atexit
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support import template
from tests.support.mariadb import find_installation, mariadb

CHOICE, GIVEN_URL, URL = "TEST_DATABASE", "TEST_DATABASE_URL", "MONETIZATION_DATABASE_URL"
# The legs that `make test` runs one after the other; unset, this one runs alone.
LEGS_OF_RUN = "TEST_LEGS"
LEGS = ("mariadb", "sqlite")
# What people see is rendered alike on both legs: of the back office, the second runs what is marked `each_leg`, such
# as each page once, the lists with their filters, the search and the exports.
ON_THE_FIRST_LEG = ("tests/backoffice/", "tests/payouts/test_canaries.py")
# The servers of tests are forked from this process. gRPC's fork support would start threads in the child before its
# exec, and they sometimes abort it. gRPC reads the variable when it is imported, which Django's setup does: the
# plug-in is imported before. Processes that have to fork are started with `tests.support.lightning.forking`.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
# A run starts hundreds of processes. Without stored bytecode each compiles Django and us again, which takes longer
# than many a test; pytest stores what it makes of our asserts under the same condition.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
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
        if getattr(options, "numprocesses", None) and not os.environ.get(GIVEN_URL):
            os.environ[template.FOLDER] = str(_servers.enter_context(template.being_made()))
    return (yield)


def pytest_report_header() -> str:
    return f"database: {os.environ.get(CHOICE, 'none')}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect on the SQLite leg what runs on the MariaDB leg alone, so that none is skipped and none runs twice.

    That is the tests that need MariaDB and, where both legs run one after the other, those of `ON_THE_FIRST_LEG`
    and those that use no database.
    """
    if os.environ.get(CHOICE) != "sqlite":
        return
    both = "mariadb" in os.environ.get(LEGS_OF_RUN, "").split()
    elsewhere = [
        item for item in items if item.get_closest_marker("mariadb") or (both and not runs_on_each_leg(item))
    ]
    if elsewhere:
        deselected = set(elsewhere)
        items[:] = [item for item in items if item not in deselected]
        config.hook.pytest_deselected(items=elsewhere)


def runs_on_each_leg(item: pytest.Item) -> bool:
    """Return whether a test says that it has to run on each leg, or uses the database outside `ON_THE_FIRST_LEG`."""
    if item.get_closest_marker("each_leg"):
        return True
    uses_database = item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(
        getattr(item, "fixturenames", ())
    )
    return bool(uses_database) and not item.nodeid.startswith(ON_THE_FIRST_LEG)


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
