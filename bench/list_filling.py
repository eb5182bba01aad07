"""Fill all tables that payouts touch: some are paid by the services, and the database copies them up to a million."""

from datetime import datetime, timedelta

from django.core.cache import cache
from django.db.models import F, Max

from ledger.models import Account, AccountCheckpoint, JournalTransaction
from ledger.services.sealing import seal_books
from partners.enums import WebhookOutcome
from partners.models import InboundWebhook
from payouts.models import Group
from payouts.services.credit_readings import read_old_credit
from sunusav.core import clock
from sunusav.core.figures import compute_daily_figures
from sunusav.core.models import Lock, OutboxMessage, Proposal, ProposalState, TrailEntry
from sunusav.core.trail import CHAIN, seal_trail
from tests.backoffice.full_world import fill
from tests.backoffice.world import make_world
from tests.factories.payouts import NOW, make_ready_cycle, process
from tests.fakes.rail import invoice
from tests.support.copies import Copies
from transfers.engine.runner import run_due
from transfers.enums import PAID_STATES, DisbursementState
from transfers.models import Disbursement

# Payouts that are paid and then copied, beside those of the world in which every model has a row.
PAID = 30
NET_SATS = 29_850
# Copies of which something still waits for a person, a worker or a provider.
WAITING = 100
NOT_PAID = [state for state in DisbursementState if state not in {*PAID_STATES, DisbursementState.CANCELLED}]


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
    _end_old(made)
    _move_floors()
    _work(now=now)
    cache.clear()


def _pay(group: Group) -> None:
    """Pay cycles of a group, each with a message to the platform and a webhook of a partner."""
    for number in range(PAID):
        name = f"cycle-{number}-paid"
        process(make_ready_cycle(group, destination=invoice(name, NET_SATS), cycle_id=name))
        run_due(slots=1, clock=lambda: NOW)
        OutboxMessage.objects.create(
            topic="payout.completed", subject=f"cycle:{name}", payload={"cycle_id": name}, created_at=NOW,
            next_try_at=NOW, delivered_at=NOW + timedelta(seconds=1),
        )  # fmt: skip
        InboundWebhook.objects.create(
            partner="wave", event_key=f"AE_{name}", authenticity="signature", received_at=NOW, handled_at=NOW,
            outcome=WebhookOutcome.PAYMENT_QUERIED,
        )  # fmt: skip


def _end_old(made: Copies) -> None:
    """End what waits in all copies but the newest `WAITING`: few things wait at any time, however many there were."""
    for model, waits, ended in (
        (Proposal, {"state": ProposalState.OPEN}, {"state": ProposalState.WITHDRAWN, "decided_at": F("proposed_at")}),
        (OutboxMessage, {"delivered_at": None}, {"delivered_at": F("created_at")}),
        (
            InboundWebhook, {"handled_at": None},
            {"follow_at": None, "handled_at": F("received_at"), "outcome": WebhookOutcome.PAYMENT_QUERIED},
        ),
        (
            Disbursement, {"state__in": NOT_PAID},
            {"state": DisbursementState.CANCELLED, "due_at": None, "failure_code": "", "failure_facts": {}},
        ),
    ):  # fmt: skip
        newest = (made.made - WAITING) * made.strides[model]
        model._base_manager.filter(**waits, pk__lte=newest).update(**ended)


def _move_floors() -> None:
    """Move the floors of the seals, and the checkpoints of accounts that all copies share, as the sealers do."""
    Lock.objects.filter(name=CHAIN).update(floor=TrailEntry.objects.aggregate(newest=Max("pk"))["newest"])
    newest = JournalTransaction.objects.aggregate(newest=Max("pk"))["newest"]
    AccountCheckpoint.objects.filter(
        account__in=list(Account.objects.filter(owner="").values_list("pk", flat=True))
    ).update(floor=newest)


def _work(*, now: datetime) -> None:
    """Do what periodic tasks do for pages."""
    compute_daily_figures(now=now)
    read_old_credit(now=now)
