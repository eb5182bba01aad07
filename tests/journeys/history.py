"""A history with one payout of every outcome, in sealed books."""

from dataclasses import dataclass
from datetime import timedelta

from ledger.enums import ConversionKind
from ledger.services import record_conversion, seal_books
from sunusav.core.trail import seal_trail
from tests.factories.payouts import (
    ACTOR,
    NOW,
    make_cycle,
    make_group,
    make_payable_cycle,
    pay_contribution,
    process,
    verify,
)
from tests.factories.treasury import book, opening
from tests.transfers.rails import SteeredRail, Watch
from transfers.engine.runner import run_due
from transfers.enums import FailureClass
from transfers.models import Attempt
from transfers.services.disbursements import cancel_disbursement
from transfers.types import Refused, Unknown

NET_SATS = 99_500


@dataclass(frozen=True)
class History:
    """One disbursement of each outcome, and a cycle that is still collecting."""

    paid: int
    retried: int
    cancelled: int
    in_flight: int
    collecting: str

    def attempt(self, disbursement_id: int, number: int = 1) -> Attempt:
        """Return one attempt."""
        return Attempt.objects.get(disbursement_id=disbursement_id, number=number)


def make_history(node: SteeredRail) -> History:
    """Make payouts of every outcome, an overpayment, and an opening balance of the node.

    The payouts are paid at once, failed and retried, failed and cancelled, and in flight.
    """
    watch = Watch(NOW)
    group = make_group(members=2)
    verify(group)

    def ordered(*script: Refused | Unknown) -> int:
        cycle = make_payable_cycle(group, net_sats=NET_SATS, contribution_sats=50_000)
        node.script.extend(script)
        payout_id = process(cycle)
        run_due(slots=1, clock=watch)
        return payout_id

    paid = ordered()
    cancelled = ordered(Refused("incorrect-payment-details", FailureClass.FINAL))
    # Its order can leave no more after half a minute, and the node is asked about it once more.
    watch.advance(30)
    run_due(slots=1, clock=watch)
    cancel_disbursement(disbursement_id=cancelled, actor=ACTOR, reason="another winner", now=watch())
    retried = ordered(Refused("no-route", FailureClass.RETRY))
    watch.advance(60)
    run_due(slots=1, clock=watch)
    in_flight = ordered(Unknown(seen=True, reason="in-flight"))
    collecting = make_cycle(group, contribution_sats=50_000)
    pay_contribution(collecting, "user-0", received_msat=60_000_000)
    book(opening(), now=NOW)
    record_conversion(kind=ConversionKind.DISBURSEMENT, amount=10_000_000, reference="history", now=NOW)
    seal()
    return History(paid, retried, cancelled, in_flight, collecting.pk)


def seal() -> None:
    """Seal trail and books, as the periodic tasks do."""
    seal_trail(now=NOW)
    seal_books(now=NOW)


AUDITED_AT = NOW + timedelta(minutes=1)
