"""What people and workers have done meanwhile to rows that were copied: few of them wait, and all are sealed."""

from django.db.models import F, Max

from ledger.models import Account, AccountCheckpoint, JournalTransaction
from partners.enums import WebhookOutcome
from partners.models import InboundWebhook
from sunusav.core.models import Lock, OutboxMessage, Proposal, ProposalState, TrailEntry
from sunusav.core.trail import CHAIN
from tests.support.copies import Copies
from transfers.enums import PAID_STATES, DisbursementState
from transfers.models import Disbursement, StatementItem
from transfers.statement_enums import ItemState

NOT_PAID = [state for state in DisbursementState if state not in {*PAID_STATES, DisbursementState.CANCELLED}]


def keep_up(made: Copies, *, waiting: int) -> None:
    """End what waits in all copies but the newest, and raise the floor of each seal."""
    _end_old(made, waiting=waiting)
    _raise_floor()


def _end_old(made: Copies, *, waiting: int) -> None:
    for model, waits, ended in (
        (Proposal, {"state": ProposalState.OPEN}, {"state": ProposalState.WITHDRAWN, "decided_at": F("proposed_at")}),
        (OutboxMessage, {"delivered_at": None}, {"delivered_at": F("created_at")}),
        (
            InboundWebhook, {"handled_at": None},
            {"follow_at": None, "handled_at": F("received_at"), "outcome": WebhookOutcome.PAYMENT_QUERIED},
        ),
        (StatementItem, {"state": ItemState.OPEN}, {"state": ItemState.EXPLAINED, "closed_at": F("opened_at")}),
        (Disbursement, {"state": DisbursementState.REVERSED, "due_at__isnull": False}, {"due_at": None}),
        (
            Disbursement, {"state__in": NOT_PAID},
            {"state": DisbursementState.CANCELLED, "due_at": None, "failure_code": "", "failure_facts": {}},
        ),
    ):  # fmt: skip
        newest = (made.made - waiting) * made.strides[model]
        model._base_manager.filter(**waits, pk__lte=newest).update(**ended)


def _raise_floor() -> None:
    """Raise the floor of each seal, and the checkpoints of accounts that all copies share, as the sealers do."""
    Lock.objects.filter(name=CHAIN).update(floor=TrailEntry.objects.aggregate(newest=Max("pk"))["newest"])
    newest = JournalTransaction.objects.aggregate(newest=Max("pk"))["newest"]
    AccountCheckpoint.objects.filter(
        account__in=list(Account.objects.filter(owner="").values_list("pk", flat=True))
    ).update(floor=newest)
