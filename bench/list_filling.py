"""Fill all tables that payouts touch: some are paid by the services, and the database copies them up to a million."""

from datetime import datetime, timedelta

from django.core.cache import cache

from bench.settlement_filling import settle_years
from ledger.services.sealing import seal_books
from partners.enums import WebhookOutcome
from partners.models import InboundWebhook
from payouts.models import Group
from payouts.services.credit_readings import read_old_credit
from sunusav.core import clock
from sunusav.core.figures import compute_daily_figures
from sunusav.core.models import OutboxMessage
from sunusav.core.trail import seal_trail
from tests.backoffice.full_world import fill
from tests.backoffice.world import make_world
from tests.factories.payouts import NOW, make_ready_cycle, process
from tests.fakes.rail import invoice
from tests.support.copies import Copies
from tests.support.kept_up import keep_up
from transfers.engine.runner import run_due
from transfers.models import Disbursement

# Payouts that are paid and then copied, beside those of the world in which every model has a row.
PAID = 30
NET_SATS = 29_850
# Copies of which something still waits for a person, a worker or a provider.
WAITING = 50
# Settlements are twelve a year per partner, however many payouts there are.
YEARS = 5


def fill_tables(payouts: int) -> None:
    """Fill an empty database with as many payouts, evenly spread from `NOW` of the factories to now."""
    world = make_world()
    _pay(world.group)
    fill(world)
    seal_trail(now=NOW)
    seal_books(now=NOW)
    copies = -(-payouts // Disbursement.objects.count()) - 1
    now = clock.now()
    made = Copies(every=(now - NOW) / max(1, copies))
    made.make(copies)
    keep_up(made, waiting=WAITING)
    settle_years(YEARS, now=now)
    _work(now=now)
    cache.clear()


def _pay(group: Group) -> None:
    """Pay cycles of a group, each with a message to the platform and a webhook of a partner."""
    for number in range(PAID):
        name = f"cycle-{number}-paid"
        process(make_ready_cycle(group, destination=invoice(name, NET_SATS), cycle_id=name))
        run_due(slots=1, clock=lambda: NOW)
        OutboxMessage.objects.create(
            topic="disbursement.completed", subject=f"cycle:{name}", payload={"cycle_id": name}, created_at=NOW,
            next_try_at=NOW, delivered_at=NOW + timedelta(seconds=1),
        )  # fmt: skip
        InboundWebhook.objects.create(
            partner="wave", event_key=f"AE_{name}", authenticity="signature", received_at=NOW, handled_at=NOW,
            outcome=WebhookOutcome.PAYMENT_QUERIED,
        )  # fmt: skip


def _work(*, now: datetime) -> None:
    """Do what periodic tasks do for pages."""
    compute_daily_figures(now=now)
    read_old_credit(now=now)
