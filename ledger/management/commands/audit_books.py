import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from ledger.auditor import AuditReport, audit_and_guard, audit_and_record, fast_window
from sunusav.core import clock
from sunusav.core.auditing import Breach


class Command(BaseCommand):
    help = (
        "Check the invariants of every app and report each breach. Exit 0: clean; 1: a breach, and outgoing "
        "payments are paused; 2: no breach, but something waits too long."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--fast", action="store_true", help="only what was recorded in the last 24 hours")
        parser.add_argument("--json", action="store_true", help="print the report as one JSON document")
        parser.add_argument(
            "--no-pause", action="store_true", help="do not pause outgoing payments on a breach"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        run = audit_and_record if options["no_pause"] else audit_and_guard
        report = run(now=now, since=fast_window(now) if options["fast"] else None)
        if options["json"]:
            self.stdout.write(json.dumps(_document(report)))
        else:
            self._print(report)
        if report.exit_code:
            sys.exit(report.exit_code)

    def _print(self, report: AuditReport) -> None:
        for label, breaches in (("breach", report.breaches), ("waits", report.waiting)):
            for breach in breaches:
                self.stdout.write(f"{label}  {breach.invariant}  {breach.subject}  {breach.detail}")
        verdict = {0: "clean", 1: "BROKEN", 2: "nothing broken, something waits"}[report.exit_code]
        self.stdout.write(f"{verdict}: {' '.join(report.checked)} in {report.seconds:.1f} s")


def _document(report: AuditReport) -> dict[str, Any]:
    return {
        "exit_code": report.exit_code,
        "at": report.at.isoformat(),
        "since": report.since.isoformat() if report.since else None,
        "checked": list(report.checked),
        "breaches": _rows(report.breaches),
        "waiting": _rows(report.waiting),
        "seconds": round(report.seconds, 3),
    }


def _rows(breaches: Iterable[Breach]) -> list[dict[str, str]]:
    return [asdict(breach) for breach in breaches]
