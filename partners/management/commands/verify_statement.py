import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from partners.settlements.queries import SETTLEMENT
from partners.settlements.statement_queries import statement_csv
from sunusav.core import phrasing
from sunusav.core.errors import DomainError
from sunusav.core.exporting.plain_csv import sha256_of
from transfers.document_queries import issued_receipt
from transfers.types import IssuedReceiptFacts


class Command(BaseCommand):
    help = (
        "Compare the hash that is printed on a settlement's statement with the books, and with a partner's file where "
        "one is given. Exit 0: they agree; 1: something differs, and is named; 2: there is no such statement or file."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", help="of the statement, such as DEC-2026-000001")
        parser.add_argument("--file", type=Path, help="the CSV file of its lines, as the partner has it")

    def handle(self, *args: Any, **options: Any) -> None:
        receipt, path = _statement(options["number"]), options["file"]
        found = {"the books": sha256_of(statement_csv(receipt.facts["settlement_id"]))}
        if path is not None:
            found[str(path)] = _hash_of(path)
        printed = receipt.facts["lines_sha256"]
        self.stdout.write(f"{receipt.number}: {receipt.facts['lines_count']} lines, printed {printed}")
        for name, digest in found.items():
            self.stdout.write(f"{name}: {'agrees' if digest == printed else f'differs, {digest}'}")
        if set(found.values()) != {printed}:
            sys.exit(1)


def _statement(number: str) -> IssuedReceiptFacts:
    try:
        receipt = issued_receipt(number)
    except DomainError as refusal:
        raise CommandError(phrasing.refusal_phrase(refusal).text, returncode=2) from refusal
    if receipt.kind != SETTLEMENT:
        raise CommandError(f"{number} is not the statement of a settlement.", returncode=2)
    return receipt


def _hash_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return sha256_of(iter(lambda: file.read(1 << 20), b""))
    except OSError as error:
        raise CommandError(str(error), returncode=2) from error
