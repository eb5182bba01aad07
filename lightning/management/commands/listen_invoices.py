import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from lightning.client import AccessScope, LndClient, access_for
from lightning.listener import Listener
from sunusav.core import clock


class Command(BaseCommand):
    help = "Follow the Lightning node's settlements until stopped (SIGTERM or Ctrl-C)."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        self.stdout.write("listening for paid invoices")
        Listener(LndClient(access_for(AccessScope.INVOICING)), clock=clock.now, stop=stop).run()
        self.stdout.write("stopped")
