from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ledger.errors import NoRateSourceAnswered
from ledger.services import update_rates
from sunusav.core import clock


class Command(BaseCommand):
    help = "Query the market sources for BTC/XOF and append the median of those that agree."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            update = update_rates(now=clock.now())
        except NoRateSourceAnswered as error:
            raise CommandError(str(error)) from error
        rate = update.rate
        self.stdout.write(f"{rate.rate_xof_per_btc.normalize():f} XOF/BTC (row {rate.id})")
        for source, refusal in sorted(update.refusals.items()):
            self.stderr.write(f"{source}: {refusal}")
        if update.quarantine_reason:
            raise CommandError(
                f"in quarantine ({update.quarantine_reason}): not used until two people record a manual rate"
            )
