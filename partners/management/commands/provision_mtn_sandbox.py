from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from partners.config import secret, text
from partners.mtn.config import SANDBOX, SANDBOX_URL
from partners.mtn.provisioning import provision
from partners.wire import PartnerError

PREFIXES = {"disbursement": "MTN_", "collection": "MTN_COLLECTION_"}


class Command(BaseCommand):
    help = (
        "Make a user of MTN's sandbox for one product, and print the variables to set. The key is shown once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("product", choices=sorted(PREFIXES))
        parser.add_argument(
            "--callback-host", required=True, help="the name of the host that receives callbacks"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        prefix = PREFIXES[options["product"]]
        try:
            user = provision(
                url=text("MTN_URL", SANDBOX_URL).rstrip("/"),
                subscription_key=secret(f"{prefix}SUBSCRIPTION_KEY").value(),
                callback_host=options["callback_host"],
            )
        except PartnerError as error:
            raise CommandError(f"MTN made no user: {error}") from error
        self.stdout.write(f"MTN_TARGET_ENVIRONMENT={SANDBOX}")
        self.stdout.write(f"MTN_CALLBACK_HOST={options['callback_host']}")
        self.stdout.write(f"{prefix}API_USER={user.name}")
        self.stdout.write(f"{prefix}API_KEY={user.key}")
