"""The rights that `show_grants` prints."""

import re

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from ledger.grants import grants
from ledger.invariants.schema import append_only_tables

pytestmark = pytest.mark.each_leg

RIGHTS = re.compile(r"GRANT (.+) ON `([^`]+)`\.`([^`]+)` TO '([^']+)'@'([^']+)';")


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[tuple[str, ...]]:
    call_command("show_grants", *arguments)
    lines = capsys.readouterr().out.splitlines()
    found = [RIGHTS.fullmatch(line) for line in lines]
    return [match.groups() for match in found if match]


def test_grants_append_only_tables_no_change_and_the_others_nothing_but_rows() -> None:
    assert grants(
        user="app", host="10.0.0.%", database="books", tables=["switch", "entry"], append_only={"entry"}
    ) == [
        "GRANT SELECT, INSERT ON `books`.`entry` TO 'app'@'10.0.0.%';",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON `books`.`switch` TO 'app'@'10.0.0.%';",
    ]


@pytest.mark.mariadb
@pytest.mark.django_db
def test_show_grants_names_every_table_once_and_appends_to_the_append_only_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = printed(capsys, "app", "--host", "10.0.0.%")

    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
    assert sorted(table for _, _, table, _, _ in found) == sorted(tables)
    assert {table for rights, _, table, _, _ in found if rights == "SELECT, INSERT"} == append_only_tables()
    assert {rights for rights, *_ in found} == {"SELECT, INSERT", "SELECT, INSERT, UPDATE, DELETE"}
    assert {(database, user, host) for _, database, _, user, host in found} == {
        (connection.settings_dict["NAME"], "app", "10.0.0.%")
    }


@pytest.mark.mariadb
@pytest.mark.django_db
@pytest.mark.parametrize("arguments", [["a'b"], [""], ["x" * 33], ["app", "--host", "'; DROP"]])
def test_show_grants_of_a_name_that_needs_escaping_is_refused(arguments: list[str]) -> None:
    with pytest.raises(CommandError, match="letters, digits"):
        call_command("show_grants", *arguments)


@pytest.mark.django_db
def test_show_grants_on_sqlite_is_refused() -> None:
    if connection.vendor == "sqlite":
        with pytest.raises(CommandError, match="Only MySQL and MariaDB"):
            call_command("show_grants", "app")
