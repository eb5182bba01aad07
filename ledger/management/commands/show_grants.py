import re
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from ledger.grants import grants
from ledger.invariants.schema import append_only_tables

# What needs no escaping between quotes.
NAME = re.compile(r"[A-Za-z0-9_.-]{1,32}")
HOST = re.compile(r"[A-Za-z0-9_.:%-]{1,255}")


class Command(BaseCommand):
    help = (
        "Print the GRANT statements of the account with which the application connects: it reads and inserts "
        "everywhere, and updates and deletes where rows may change. Run them as an administrator after each migration."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="the account's name; it must exist")
        parser.add_argument("--host", default="%", help="the host that it connects from (default: any)")

    def handle(self, *args: Any, **options: Any) -> None:
        user, host = options["user"], options["host"]
        if connection.vendor != "mysql":
            raise CommandError("Only MySQL and MariaDB have accounts with rights.")
        if not NAME.fullmatch(user) or not HOST.fullmatch(host):
            raise CommandError("A name or a host has letters, digits and _ . - only; a host also : and %.")
        with connection.cursor() as cursor:
            tables = connection.introspection.table_names(cursor)
        database = str(connection.settings_dict["NAME"])
        for statement in grants(
            user=user, host=host, database=database, tables=tables, append_only=append_only_tables()
        ):
            self.stdout.write(statement)
