"""What platform, members and winner do through the HTTP API and with wallets of the simulated node."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from coincurve import PrivateKey
from rest_framework.test import APIClient

from ledger.queries import owed
from lightning.bolt11 import InvoiceDraft, encode
from payouts.calculations import pot_of
from payouts.models import Group
from payouts.services.cycles import record_ready_cycles
from sunusav.core import clock
from tests.factories.payouts import verify
from tests.lightning.world import PLATFORM, WALLETS, World
from transfers.booking import IN_TRANSIT
from transfers.engine.runner import run_due
from transfers.services.collections import sweep_collections
from transfers.services.reconciliation import make_open_collections_due

ROOT = "/monetization"
STANDARD = {"type", "code", "title", "status", "next", "request_id"}
# The features of an ordinary invoice: payment secret, variable-length onion, basic multi-part.
ORDINARY_FEATURES = 1 << 8 | 1 << 14 | 1 << 17
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Problem:
    """A refusal as a client reads it."""

    status: int
    code: str
    facts: dict[str, Any]

    @classmethod
    def of(cls, answer: Any) -> Problem:
        """Read a problem document and assert that its standard members agree."""
        assert answer.headers["Content-Type"] == "application/problem+json"
        body = answer.json()
        assert body["status"] == answer.status_code
        assert body["type"] == f"/problems/{body['code']}"
        assert body["title"]
        assert body["next"].endswith((".", "`."))
        facts = {name: value for name, value in body.items() if name not in STANDARD}
        return cls(answer.status_code, body["code"], facts)


class Tontine:
    """A group whose cycles are collected and paid through the API."""

    def __init__(self, client: APIClient, world: World, *, members: int = 2, verified: bool = False) -> None:
        self.client, self.world = client, world
        self.group_id = f"group-{next(_numbers)}"
        self.members = [f"user-{number}" for number in range(members)]
        self._create(verified=verified)

    def _create(self, *, verified: bool) -> None:
        self.post("groups", {"id": self.group_id, "name": "Tontine Médina", "country": "SN"}, 201)
        for user_id in self.members:
            body = {"user_id": user_id, "display_name": "Awa Ndiaye", "phone": "+221771234567"}
            self.post(f"groups/{self.group_id}/members", body, 201)
        if verified:
            verify(Group.objects.get(pk=self.group_id))

    def begin(self, cycle_id: str, *, contribution_sats: int = 50_000) -> None:
        """Begin a cycle for the first member."""
        body = {
            "id": cycle_id,
            "group_id": self.group_id,
            "cycle_index": next(_numbers),
            "contribution_sats": contribution_sats,
            "winner_user_id": self.members[0],
        }
        self.post("cycles", body, 201)

    def collect(self, cycle_id: str, *, without: int = 0) -> None:
        """Have the members request and pay their invoices, then sweep."""
        for user_id in self.members[: len(self.members) - without]:
            self.pay(self.contribution(cycle_id, user_id)["payment_request"])
        self.sweep()

    def contribution(self, cycle_id: str, user_id: str) -> dict[str, Any]:
        """Open the contribution of a member."""
        body = {"user_id": user_id, "method": "lightning"}
        return self.post(f"cycles/{cycle_id}/contributions", body, 201)

    def pay(self, payment_request: str, *, more_msat: int = 0) -> None:
        """Pay an invoice of ours from a member's wallet, or more than it asks for."""
        force = {"force_amount_msat": more_msat} if more_msat else {}
        paid = self.world.control.pay(WALLETS, payment_request, **force)
        assert paid["status"] == "SUCCEEDED"

    def sweep(self) -> None:
        """Query the node for every open invoice and record the cycles that are complete, as the periodic tasks do."""
        now = clock.now()
        make_open_collections_due(now=now)
        sweep_collections(now=now)
        record_ready_cycles(now=now)

    def ready(self, cycle_id: str, **begun: int) -> None:
        """Begin and collect a cycle."""
        self.begin(cycle_id, **begun)
        self.collect(cycle_id)
        assert self.cycle(cycle_id)["status"] == "ready"

    def set_destination(self, cycle_id: str, invoice: str) -> Any:
        """Set the winner's invoice as destination; return the answer."""
        body = {"rail": "lightning", "kind": "bolt11", "value": invoice}
        return self.client.put(f"{ROOT}/cycles/{cycle_id}/destination", body)

    def payable(self, cycle_id: str, *, net_sats: int = 99_000, **begun: int) -> str:
        """Make a cycle ready and give its winner's invoice; return the invoice."""
        self.ready(cycle_id, **begun)
        invoice = self.invoice(net_sats * 1_000)
        assert self.set_destination(cycle_id, invoice).status_code == 200
        return invoice

    def process(self, cycle_id: str, **claims: bool) -> Any:
        """Request the payout; return the answer."""
        return self.client.post(f"{ROOT}/payouts/process", {"cycle_id": cycle_id, **claims})

    def paid(self, cycle_id: str) -> int:
        """Have a payable cycle paid; return the payout."""
        payout_id = self.process(cycle_id).json()["payout_id"]
        run_due(slots=1)
        assert self.get(f"payouts/{payout_id}")["status"] == "completed"
        return int(payout_id)

    def invoice(self, amount_msat: int, *, expiry: int = 86_400) -> str:
        """Make an invoice of the winner's wallet."""
        return self.world.invoice(amount_msat, expiry=expiry)

    def cycle(self, cycle_id: str) -> dict[str, Any]:
        return self.get(f"cycles/{cycle_id}")

    def pot_msat(self, cycle_id: str) -> int:
        return owed(pot_of(cycle_id))

    def held_msat(self) -> int:
        """Return what is held for payouts in all."""
        return owed(IN_TRANSIT)

    def get(self, path: str) -> dict[str, Any]:
        answer = self.client.get(f"{ROOT}/{path}")
        assert answer.status_code == 200, answer.content
        document: dict[str, Any] = answer.json()
        return document

    def post(self, path: str, body: dict[str, Any], status: int) -> dict[str, Any]:
        answer = self.client.post(f"{ROOT}/{path}", body)
        assert answer.status_code == status, answer.content
        document: dict[str, Any] = answer.json()
        return document


def signed_invoice(*, network: str, amount_msat: int | None, now: datetime, expiry: int = 86_400) -> str:
    """Sign an invoice that no node issued, for instance for another network."""
    number = next(_numbers)
    draft = InvoiceDraft(
        network=network,
        timestamp=int(now.timestamp()),
        amount_msat=amount_msat,
        payment_hash=sha256(f"hash {number}".encode()).digest(),
        payment_secret=sha256(b"secret").digest(),
        description="tontine",
        expiry_seconds=expiry,
        min_final_cltv_expiry=80,
        features=ORDINARY_FEATURES,
    )
    return encode(draft, PrivateKey(sha256(b"a winner").digest()).secret)


def successes(world: World, payment_hash: str) -> int:
    """Return how often our node has paid this hash, by its own record."""
    return max(
        (int(row["successes"]) for row in world.control.payments_of(PLATFORM, payment_hash)), default=0
    )
