from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sunusav.core.rotation import EncryptedColumn, encrypted_columns, not_rotated, rotate


class Command(BaseCommand):
    help = (
        "Encrypt again under FIELD_ENCRYPTION_KEY what a key of FIELD_ENCRYPTION_OLD_KEYS encrypts. It can be "
        "interrupted and run again, beside traffic. Exit 0: nothing is left under an old key; 1: something is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only count what is left")

    def handle(self, *args: Any, **options: Any) -> None:
        work = _nothing if options["check"] else rotate
        left = sum(self._rotate(column, work(column)) for column in encrypted_columns())
        if left:
            raise CommandError(
                f"{left} values are not under the new key: run it again. What stays is under a key that "
                "FIELD_ENCRYPTION_OLD_KEYS lacks."
            )

    def _rotate(self, column: EncryptedColumn, done: int) -> int:
        left = not_rotated(column).count()
        empty = column.rows.filter(**{f"{column.column}__isnull": True}).count()
        self.stdout.write(f"{column.name}: {done} done, {left} left, {empty} erased or empty")
        return left


def _nothing(column: EncryptedColumn) -> int:
    return 0
