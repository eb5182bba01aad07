"""Stories whose timelines are compared line by line: services tell them, each step at a moment of its own.

Two members pay 10,000 sats each; the fee is 1 % of 20,000: 200 = 100 + 40 + 60 sats, and the winner's net is 19,800.
"""

import re
from collections.abc import Sequence
from html import unescape

from django.db.models import Model
from django.utils.html import strip_tags

from fees.models import FeeRecord
from ledger.models import JournalTransaction
from payouts.models import Cycle
from payouts.services.contributions import open_contribution
from payouts.services.cycles import create_cycle, record_ready_cycles, set_destination
from payouts.services.payouts import request_payout
from payouts.types import Claims
from sunusav.backoffice.facts import instant
from sunusav.backoffice.sections import Line
from sunusav.backoffice.timeline import timeline_of
from sunusav.core.actors import Actor
from sunusav.core.approvals import approve
from sunusav.core.models import Proposal, User
from sunusav.core.roles import Role
from tests.factories.payouts import NOW, make_group
from tests.factories.users import make_user
from tests.fakes.rail import invoice
from tests.transfers.rails import SteeredRail, Watch
from transfers.collection_queries import collections_for
from transfers.engine.runner import run_due
from transfers.models import Disbursement
from transfers.rails import rail
from transfers.services.receipts import record_receipt
from transfers.types import Destination

NET_SATS = 19_800
HASH = re.compile(r"[0-9a-f]{32,}(:0)?")
ROWS: dict[str, type[Model]] = {
    "→ commission n°": FeeRecord, "→ fee": FeeRecord, "Commission prélevée:": FeeRecord, "Annulation:": FeeRecord,
    "→ paiement n°": Disbursement, "Paiement:": Disbursement, "→ disbursement": Disbursement,
    "→ proposition n°": Proposal, "→ proposal": Proposal,
    "→ écriture n°": JournalTransaction, "→ transaction": JournalTransaction,
}  # fmt: skip
NUMBERED_ROW = re.compile(rf"({'|'.join(ROWS)}) (\d+)")


class Story:
    """A cycle of two members at a clock that each step advances by a minute, and people by name."""

    def __init__(self) -> None:
        self.watch = Watch(NOW)
        self.platform = Actor.of(make_user(Role.PLATFORM, username="plateforme"))
        self.awa: User = make_user(Role.FINANCE, username="awa")
        self.moussa: User = make_user(Role.APPROVER, username="moussa")
        make_group(members=2, id="medina")

    def step(self, seconds: float = 60) -> Watch:
        self.watch.advance(seconds)
        return self.watch

    @property
    def node(self) -> SteeredRail:
        found = rail("lightning")
        assert isinstance(found, SteeredRail)
        return found

    def begin_cycle(self, cycle_id: str = "c1", *, index: int = 1) -> None:
        create_cycle(
            group_id="medina", cycle_id=cycle_id, cycle_index=index, contribution_sats=10_000,
            winner_user_id="user-0", actor=self.platform, now=self.step()(),
        )  # fmt: skip

    def pay(self, user_id: str, cycle_id: str = "c1") -> None:
        """Ask a member for their contribution; half a minute later they pay it."""
        owed = open_contribution(
            cycle_id=cycle_id, user_id=user_id, method="lightning", use_credit=False, actor=self.platform,
            now=self.step()(),
        )  # fmt: skip
        asked = collections_for([f"contribution:{owed.id}"])[f"contribution:{owed.id}"]
        at = self.step(30)()
        record_receipt(
            method=asked.method, reference=asked.reference, received=asked.amount, proof="00" * 32,
            received_at=at, now=at,
        )  # fmt: skip

    def ready_cycle(self, cycle_id: str = "c1", *, index: int = 1) -> None:
        self.begin_cycle(cycle_id, index=index)
        self.pay("user-0", cycle_id)
        self.pay("user-1", cycle_id)
        record_ready_cycles(now=self.step()())

    def set_destination(self, name: str, second: Destination | None = None, *, cycle_id: str = "c1") -> None:
        set_destination(
            cycle_id=cycle_id, destination=invoice(name, NET_SATS), second_choice=second, actor=self.platform,
            now=self.step()(),
        )  # fmt: skip

    def order(self, cycle_id: str = "c1") -> int:
        return request_payout(cycle_id=cycle_id, claims=Claims(), actor=self.platform, now=self.step()())

    def run(self, seconds: float = 60) -> None:
        """Let a worker do what is due; a send takes two seconds."""
        self.node.meanwhile["send"] = lambda: self.watch.advance(2)
        run_due(slots=1, clock=self.step(seconds))
        self.node.meanwhile.clear()

    def paid_cycle(self) -> int:
        self.ready_cycle()
        self.set_destination("awa")
        payout_id = self.order()
        self.run()
        return payout_id

    def approve(self, proposal: Proposal) -> None:
        approve(
            proposal_id=proposal.pk, approver=self.moussa, digest=proposal.digest, now=self.step()(),
        )  # fmt: skip

    @property
    def cycle(self) -> Cycle:
        return Cycle.objects.get(pk="c1")


def lines_of(*subjects: str) -> list[str]:
    """Return the lines of a timeline as plain text, without hashes. Rows are numbered from 1 in each table."""
    return [_counted(as_text(line)) for line in timeline_of(subjects).lines]


def _counted(text: str) -> str:
    """Databases number on from the tests before: replace each number by the place of its row in its table."""
    return NUMBERED_ROW.sub(lambda found: f"{found[1]} {_place(ROWS[found[1]], found[2])}", text)


def _place(model: type[Model], key: str) -> int:
    return model._base_manager.filter(pk__lte=key).count()


def as_text(line: Line) -> str:
    """Return when, who and what; then the reason, the facts and the links. A sentence is plain text."""
    assert "<" not in str(line.what), line.what
    parts: Sequence[str] = [
        f"{instant(line.at)[-8:]} {_plain(line.who)}: {_plain(line.what)}",
        _plain(line.why),
        *(f"{_plain(label)}: {_plain(value)}" for label, value in line.facts),
        *(f"→ {_plain(link)}" for link in line.links),
    ]
    return " | ".join(part for part in parts if part)


def _plain(shown: object) -> str:
    spaced = str(shown).replace("<", " <").replace("\u202f", " ").replace("\u00a0", " ")
    return HASH.sub("…", " ".join(unescape(strip_tags(spaced)).split()))
