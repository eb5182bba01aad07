"""Contributions of cycles that are cancelled while they are paid: what members and the product do, and what must hold.

Members pay from the node `wallets`; the product's services use the node `platform`, which the settings name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ledger.enums import AccountRole, Currency
from ledger.queries import balance, owed
from ledger.types import AccountRef
from lightning import bolt11
from lightning.client import AccessScope, LndClient, access_for
from lightning.proto.lightning_pb2 import Invoice, InvoiceHTLCState, Payment
from lightning.services import record_settlement
from payouts.calculations import contribution_subject, pot_of
from payouts.models import Group
from payouts.queries.cycles import contribution
from payouts.services.contributions import open_contribution
from payouts.services.endings import cancel_cycle
from sunusav.core import clock
from tests.crash.payouts import breaches
from tests.factories.payouts import ACTOR, make_cycle, make_group
from tests.live_lnd.node_pair import ATTEMPTS_SECONDS, FEE_LIMIT_MSAT, STREAM_SECONDS, deadline
from tests.live_lnd.polling import eventually
from tests.live_lnd.regtest.node import LndNode
from transfers.credit_queries import credit_msat
from transfers.models import Collection
from transfers.services.collections import sweep_collections

MEMBER = "user-0"
AMOUNT_SATS, HALF_SATS, AMOUNT_MSAT = 10_000, 5_000, 10_000_000
NODE = AccountRef(AccountRole.NODE, Currency.MSAT)


@dataclass(frozen=True)
class Asked:
    """A contribution of 10,000 sats that is asked for with an invoice of `platform`."""

    cycle_id: str
    contribution_id: int
    invoice: bolt11.Invoice

    @property
    def reference(self) -> str:
        return self.invoice.payment_hash.hex()

    def row(self) -> Collection:
        return Collection.objects.get(subject=contribution_subject(self.contribution_id))

    def at_node(self) -> Invoice:
        return LndClient(access_for(AccessScope.INVOICING)).lookup_invoice(self.invoice.payment_hash)


def ask(group: Group | None = None) -> Asked:
    """Ask one of the two members of a new cycle for the contribution."""
    cycle = make_cycle(group or make_group(members=2), contribution_sats=AMOUNT_SATS)
    owed_by = open_contribution(
        cycle_id=cycle.pk, user_id=MEMBER, method="lightning", use_credit=False, actor=ACTOR, now=clock.now()
    )
    return Asked(cycle.pk, owed_by.id, bolt11.decode(owed_by.payment_request))


def pay(payer: LndClient, asked: Asked) -> Payment:
    """Pay from the members' node; return how the payment ended there."""
    with payer.send_payment(
        payment_request=asked.invoice.text, fee_limit_msat=FEE_LIMIT_MSAT, timeout_seconds=ATTEMPTS_SECONDS,
        stream_seconds=STREAM_SECONDS, deadline=deadline(),
    ) as stream:  # fmt: skip
        return list(stream)[-1]


def pay_half(node: LndNode, asked: Asked) -> Any:
    """Pay half of the invoice, which its node holds until the other half arrives; return how that ended."""
    invoice = asked.invoice
    built = node.cli(
        *("buildroute", f"--amt={HALF_SATS}", f"--hops={invoice.payee.hex()}"),
        *(f"--payment_addr={invoice.payment_secret.hex()}",),
        f"--final_cltv_delta={invoice.min_final_cltv_expiry}",
    )
    built["route"]["hops"][-1]["mpp_record"]["total_amt_msat"] = str(AMOUNT_MSAT)
    return node.cli(
        "sendtoroute",
        f"--payment_hash={asked.reference}",
        f"--routes={json.dumps({'route': built['route']})}",
    )


def wait_until_half_is_held(asked: Asked) -> None:
    def is_held() -> bool:
        return [one.state for one in asked.at_node().htlcs] == [InvoiceHTLCState.ACCEPTED]

    eventually(is_held)
    assert asked.at_node().state == Invoice.OPEN


def cancel(asked: Asked) -> None:
    cancel_cycle(cycle_id=asked.cycle_id, reason="the group has dissolved", actor=ACTOR, now=clock.now())


def sweep() -> int:
    return sweep_collections(now=clock.now())


def hear(asked: Asked) -> None:
    """Record the settlement as the listener does when the node reports it."""
    record_settlement(asked.at_node(), now=clock.now())


def require_withdrawn(asked: Asked, *, credited_msat: int) -> None:
    """Require that nothing is left to ask, that so much is credit, and that the pot is empty."""
    row = asked.row()
    assert (row.state, row.live_subject, row.ask_at) == ("withdrawn", None, None)
    assert contribution(asked.cycle_id, MEMBER).status == "missed"
    assert (credit_msat(MEMBER), owed(pot_of(asked.cycle_id))) == (credited_msat, 0)
    assert balance(NODE) == credited_msat
    assert sweep() == 0
    assert breaches(now=clock.now()) == []


def require_arrived(asked: Asked) -> None:
    found = asked.at_node()
    assert (found.state, found.amt_paid_msat) == (Invoice.SETTLED, AMOUNT_MSAT)


def require_refused_at_node(asked: Asked) -> None:
    found = asked.at_node()
    assert (found.state, found.amt_paid_msat) == (Invoice.CANCELED, 0)
