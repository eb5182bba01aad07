import re
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any, cast

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from partners.models import Settlement
from partners.settlements.queries import (
    due_windows,
    known_partners,
    previewed,
    settlement_facts,
    settlement_of_month,
    settlements_summary,
)
from partners.settlements.services.batches import PROPOSE, SCHEDULED, propose_due
from partners.settlements.services.windows import propose_again
from partners.settlements.types import SettlementsSummary
from sunusav.core import clock, phrasing
from sunusav.core.calendar import DAKAR
from sunusav.core.errors import DomainError
from sunusav.core.service_accounts import scheduler_account

MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def _month(text: str) -> datetime:
    if not MONTH.fullmatch(text):
        raise ArgumentTypeError("a month such as 2026-10 is required")
    return datetime.strptime(text, "%Y-%m").replace(tzinfo=DAKAR)


class Command(BaseCommand):
    help = (
        "Propose the settlements of partners whose months are over; nobody is paid. Safe to run twice, or again after "
        "it was stopped: each month is closed once, and committed before the next. Exit 0: everything that was due "
        "is proposed; 1: something was refused, and is named."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--partner", action="append", help="only this one; may be repeated (default: all)"
        )
        parser.add_argument("--month", type=_month, help="only up to this month, such as 2026-10")
        parser.add_argument("--dry-run", action="store_true", help="show what is due, and store nothing")
        parser.add_argument(
            "--again",
            metavar="REASON",
            default="",
            help="propose the month of --month again that was rejected",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.console = Console(file=cast(IO[str], self.stdout), highlight=False)
        self.now, self.is_refused = clock.now(), False
        partners = options["partner"] or known_partners()
        if options["dry_run"]:
            self._show_due(partners, options["month"])
            return
        before = settlements_summary()
        if options["again"]:
            self._propose_again(partners, options["month"], options["again"])
        else:
            self._propose(partners, options["month"])
        self._show_totals(before, settlements_summary())
        if self.is_refused:
            sys.exit(1)

    def _show_due(self, partners: list[str], month: datetime | None) -> None:
        table = Table("partner", "month", "fees", "sats", "exact francs", "carried", "due", "left over")
        for partner in partners:
            for window, closing in previewed(partner, now=self.now):
                if month is None or window.start <= month:
                    table.add_row(
                        partner, f"{window.start:%Y-%m}", str(closing.accrued.records),
                        str(closing.accrued.amount_sats), format(closing.accrued_xof, "f"),
                        format(closing.carried.amount_xof, "f"), str(closing.due_xof),
                        format(closing.residue_xof, "f"),
                    )  # fmt: skip
        self.console.print(table)

    def _propose(self, partners: list[str], month: datetime | None) -> None:
        due = {
            name: len([w for w in due_windows(name, now=self.now) if _is_wanted(w.start, month)])
            for name in partners
        }
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=self.console, transient=True) as progress:
            task = progress.add_task("windows", total=sum(due.values()))
            for name in partners:
                for row in self._proposed(name, month):
                    progress.update(task, advance=1, description=f"{name} {row.period_start:%Y-%m}")
                    self.console.print(_line(row))

    def _proposed(self, partner: str, month: datetime | None) -> Iterator[Settlement]:
        try:
            yield from propose_due(partner=partner, proposer=SCHEDULED, through=month, now=self.now)
        except DomainError as refusal:
            self._refuse(partner, refusal)

    def _propose_again(self, partners: list[str], month: datetime | None, reason: str) -> None:
        for name in partners:
            try:
                row = settlement_of_month(name, month)
                proposal = propose_again(
                    settlement_id=row.pk, proposer=scheduler_account(PROPOSE), reason=reason, now=self.now
                )
                self.console.print(f"{_line(row)}: proposed again as proposal {proposal.pk}")
            except DomainError as refusal:
                self._refuse(name, refusal)

    def _refuse(self, partner: str, refusal: DomainError) -> None:
        self.is_refused = True
        self.stderr.write(f"{partner}: {phrasing.refusal_phrase(refusal).text}")

    def _show_totals(self, before: SettlementsSummary, after: SettlementsSummary) -> None:
        table = Table("", "settlements", "due francs", "sats")
        for label, found in (("before", before.total), ("after", after.total)):
            table.add_row(label, str(found.count), str(found.amount_xof), str(found.amount_sats))
        self.console.print(table)


def _is_wanted(start: datetime, month: datetime | None) -> bool:
    return month is None or start <= month


def _line(row: Settlement) -> str:
    status = settlement_facts([row])[0].status
    return f"{row.partner} {row.period_start:%Y-%m}: settlement {row.pk}, {row.due_xof} XOF ({status})"
