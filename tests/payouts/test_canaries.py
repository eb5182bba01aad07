"""Names, phones, addresses and invoices that were given to the platform are in no row, log line, message or page.

They are given through the API and by services, paid, refused, refunded, proposed and corrected; then every raw row of
the database, every line of the log, every answer and every page of the back office is searched for them.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, reverse
from pytest_django import Settings
from rest_framework.test import APIClient

from ledger.services import post
from ledger.types import credit, debit
from payouts.models import Cycle
from payouts.services.cycles import record_ready_cycles
from payouts.services.destinations import propose_destination
from payouts.services.erasure import propose_erasure
from payouts.services.proposals import propose_refund
from payouts.services.reveals import reveal_person
from payouts.services.withdrawals import take_withdrawals
from sunusav.core import clock
from sunusav.core.approvals import approve
from sunusav.core.lookups import LOOKUP_KEY
from sunusav.core.models import LookupToken, OutboxMessage, PersonKey, User
from sunusav.core.privacy import keys_of
from sunusav.core.roles import Role
from sunusav.core.trail import seal_trail
from tests.factories.limits import set_limit_to
from tests.factories.payouts import ACTOR, GroupFactory, pay_contributions
from tests.factories.treasury import NODE
from tests.factories.users import client_in, make_user
from tests.fakes.franc_rail import ScriptedFrancRail
from tests.fakes.rail import FakeInvoice, ScriptedRail
from tests.ledger.builders import stored_rate
from tests.support.canaries import require_in_no_row, require_in_none_of, rows
from tests.support.leaks import every_log_line
from transfers.engine.runner import run_due
from transfers.enums import FailureClass, LimitKind
from transfers.models import Attempt, Disbursement, PaymentOrder
from transfers.rails import rail
from transfers.services.limit_waivers import propose_waiver
from transfers.services.withdrawals import redeem_withdrawal
from transfers.types import Destination, Instruction, Order, Refused, Unknown, credit_of

pytestmark = pytest.mark.django_db

API = "/monetization"
CANARIES = {
    "name": "Ndèye Kañaari Diop",
    "new name": "Kañaari Thiam-Gomis",
    "phone": "+221770424201",
    "digits of the phone": "770424201",
    "new phone": "+221770424202",
    "phone of a refund": "+221770424203",
    "phone of a proposal": "+221770424204",
    "address": "kanaari.diop@wallet-canari.example",
    "name in the address": "kanaari.diop",
    "invoice": FakeInvoice("canary-invoice", 19_800_000).text,
    "name in the invoice": "canary-invoice",
    "invoice of a link": FakeInvoice("canary-of-a-link", 19_800_000).text,
}
# What hashes without a key were made of.
DIGESTED = {
    f"digest of the {name}": f"{rail_name}:{kind}:{CANARIES[name]}"
    for name, rail_name, kind in (
        ("phone", "wave", "phone"),
        ("phone of a refund", "wave", "phone"),
        ("phone of a proposal", "wave", "phone"),
        ("address", "wave", "lightning_address"),
        ("invoice", "lightning", "bolt11"),
        ("invoice of a link", "lightning", "bolt11"),
    )
}
HIDDEN = CANARIES | DIGESTED


class WaveLikeRail(ScriptedFrancRail):
    """Pays francs to phones and, so that one is stored, to addresses."""

    name = "wave"
    destination_kinds = ("phone", "lightning_address")

    def prepare(self, instruction: Instruction, *, now: datetime) -> Order:
        return replace(super().prepare(instruction, now=now), rail="wave")


@pytest.fixture(autouse=True)
def wave(settings: Settings) -> Iterator[ScriptedFrancRail]:
    settings.RAILS = {**settings.RAILS, "wave": "tests.payouts.test_canaries.WaveLikeRail"}
    settings.PLATFORM_WEBHOOK_URL = "https://platform.example/hook"
    rail.cache_clear()
    found = rail("wave")
    assert isinstance(found, ScriptedFrancRail)
    yield found
    rail.cache_clear()


class Story:
    """What is given and paid; `answers` are the bodies that the API returned."""

    def __init__(self) -> None:
        self.client: APIClient = client_in(Role.PLATFORM)
        self.answers: dict[str, bytes] = {}
        self.cycles = 0
        self.now = clock.now()

    def call(self, method: str, path: str, body: dict[str, Any], *, status: int) -> Any:
        key = f"key-{len(self.answers)}"
        send, headers = getattr(self.client, method), {"Idempotency-Key": key}
        # The second time the stored answer is returned.
        answers = [send(f"{API}/{path}", body, headers=headers) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [status] * 2, answers[0].content
        for answer in answers:
            self.answers[f"{method} {path} {len(self.answers)}"] = answer.content
        return answers[0].json()

    def ready_cycle(self) -> str:
        self.cycles += 1
        cycle_id = f"canary-{self.cycles}"
        body = {
            "id": cycle_id, "group_id": "g", "cycle_index": self.cycles, "contribution_sats": 10_000,
            "winner_user_id": "user-0",
        }  # fmt: skip
        self.call("post", "cycles", body, status=201)
        pay_contributions(Cycle.objects.get(pk=cycle_id))
        self.call("get", f"cycles/{cycle_id}", {}, status=200)
        return cycle_id

    def process(self, cycle_id: str) -> None:
        self.client.post(f"{API}/payouts/process", {"cycle_id": cycle_id})
        self.run()

    def run(self) -> None:
        run_due(slots=1, clock=lambda: self.now)

    def settle(self) -> None:
        """Let time pass until everything that was ordered is paid, or waits for a person."""
        for _ in range(20):
            self.now += timedelta(minutes=10)
            self.run()


def given(rail_name: str, kind: str, name: str) -> dict[str, str]:
    return {"rail": rail_name, "kind": kind, "value": CANARIES[name]}


@pytest.fixture
def story(settings: Settings) -> Story:
    stored_rate("8000000", at=clock.now())
    begun = Story()
    begun.call("post", "groups", {"id": "g", "name": "Tontine", "country": "SN"}, status=201)
    for user_id in ("user-0", "user-1"):
        body = {"user_id": user_id, "display_name": CANARIES["name"], "phone": CANARIES["phone"]}
        begun.call("post", "groups/g/members", body, status=201)
    return begun


def _paid_every_way(story: Story, node: ScriptedRail, wave: ScriptedFrancRail) -> None:
    """Pay to every kind of destination, with refusals, doubts, retries and a second choice on the way."""
    by_phone = story.ready_cycle()
    record_ready_cycles(now=story.now)
    both = {**given("lightning", "bolt11", "invoice"), "second_choice": given("wave", "phone", "phone")}
    story.call("put", f"cycles/{by_phone}/destination", both, status=200)
    node.script.append(Refused("invoice-expired", FailureClass.FINAL))
    wave.script.append(Unknown(seen=False, reason="timeout"))
    story.process(by_phone)
    story.settle()

    by_address = story.ready_cycle()
    record_ready_cycles(now=story.now)
    body = given("wave", "lightning_address", "address")
    story.call("put", f"cycles/{by_address}/destination", body, status=200)
    wave.script.append(Refused("wallet-busy", FailureClass.RETRY))
    story.process(by_address)
    story.settle()

    by_proposal = story.ready_cycle()
    record_ready_cycles(now=story.now)
    proposal = propose_destination(
        cycle_id=by_proposal, destination=Destination("wave", "phone", CANARIES["phone of a proposal"]),
        reason="cannot change it", proposer=make_user(Role.FINANCE), now=story.now,
    )  # fmt: skip
    approver = make_user(Role.APPROVER)
    approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=story.now)
    story.process(by_proposal)
    story.settle()


def test_search_finds_what_is_stored_in_clear() -> None:
    GroupFactory.create(name=CANARIES["name"])
    with pytest.raises(AssertionError, match="payouts_group 0 contains name"):
        require_in_no_row(HIDDEN)


def test_what_was_given_is_in_no_row_log_line_answer_or_page(
    story: Story, node: ScriptedRail, wave: ScriptedFrancRail
) -> None:
    with every_log_line() as log_lines:
        _paid_every_way(story, node, wave)
        _refunded(story, wave)
        _deferred_and_waived(story)
        _redeemed(story)
        changed = {"display_name": CANARIES["new name"], "phone": CANARIES["new phone"]}
        story.call("patch", "members/user-0", changed, status=200)
        reveal_person(user_id="user-0", reason="a call", actor=ACTOR, now=story.now)
        _read_again(story)
        seal_trail(now=story.now)

    assert set(Disbursement.objects.values_list("state", flat=True)) == {"completed"}
    assert {order.rail for order in PaymentOrder.objects.all()} == {"lightning", "wave"}
    assert Attempt.objects.count() > Disbursement.objects.count()
    assert OutboxMessage.objects.exists()
    assert log_lines != []
    require_in_no_row(HIDDEN)
    require_in_none_of(story.answers, HIDDEN)
    require_in_none_of({f"log line {number}": line for number, line in enumerate(log_lines)}, HIDDEN)
    pages = dict(_pages())
    assert len(pages) > 80
    require_in_none_of(pages, HIDDEN)


def _refunded(story: Story, wave: ScriptedFrancRail) -> None:
    """Refund credit to a phone, which is unavailable at first: by the platform, and by two people."""
    lines = [debit(NODE, 60_000_000), credit(credit_of("user-0"), 60_000_000)]
    post(kind="test", reference="credit", lines=lines, at=story.now, subject="test")
    body = {
        "amount_sats": 20_000, "destination": given("wave", "phone", "phone of a refund"), "reason": "asked",
    }  # fmt: skip
    story.call("post", "members/user-0/refunds", body, status=201)
    wave.is_unavailable = True
    story.run()
    wave.is_unavailable = False
    proposal = propose_refund(
        user_id="user-0", amount_sats=20_000, reason="asked again", proposer=make_user(Role.FINANCE),
        now=story.now, destination=Destination("wave", "phone", CANARIES["phone of a refund"]),
    )  # fmt: skip
    approver = make_user(Role.APPROVER)
    approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=story.now)
    story.settle()


def _deferred_and_waived(story: Story) -> None:
    """Let a limit defer a refund, and two people let it pass."""
    set_limit_to(LimitKind.PER_PAYOUT, 1_000, now=story.now)
    body = {"amount_sats": 5_000, "destination": given("wave", "phone", "phone of a refund"), "reason": "x"}
    story.call("post", "members/user-0/refunds", body, status=201)
    story.settle()
    waiting = Disbursement.objects.get(state="needs_review")
    proposal = propose_waiver(
        disbursement_id=waiting.pk, proposer=make_user(Role.FINANCE), reason="seen", now=story.now
    )
    approver = make_user(Role.APPROVER)
    approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=story.now)
    story.settle()
    set_limit_to(LimitKind.PER_PAYOUT, 10_000_000, now=story.now)


def _redeemed(story: Story) -> None:
    """Pay by a withdrawal link, redeemed with an invoice."""
    cycle_id = story.ready_cycle()
    record_ready_cycles(now=story.now)
    opened = story.client.post(f"{API}/cycles/{cycle_id}/withdrawal-link", {}).json()
    secret = opened["url"].rpartition("/")[2]
    redeem_withdrawal(secret=secret, kind="bolt11", value=CANARIES["invoice of a link"], now=clock.now())
    assert take_withdrawals(now=clock.now()) == 1
    story.run()


def _read_again(story: Story) -> None:
    paths = ["groups/g", "cycles", "payouts", "members/user-0/credit", "members/user-0/refunds"]
    paths += [f"cycles/canary-{number}" for number in range(1, story.cycles + 1)]
    paths += [f"payouts/status/canary-{number}" for number in range(1, story.cycles + 1)]
    for path in paths:
        answer = story.client.get(f"{API}/{path}")
        assert answer.status_code == 200, path
        story.answers[f"read {path}"] = answer.content


def _pages() -> Iterator[tuple[str, bytes]]:
    """Yield every list and every row's page of the back office, as a superuser sees them."""
    client = Client()
    client.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    for model in admin.site._registry:
        name = f"admin:{model._meta.label_lower.replace('.', '_')}"
        yield f"page {name}", client.get(reverse(f"{name}_changelist")).content
        for key in model._default_manager.values_list("pk", flat=True)[:20]:
            try:
                url = reverse(f"{name}_change", args=[key])
            except NoReverseMatch:
                continue
            yield f"page {url}", client.get(url).content


def test_after_an_erasure_nothing_that_is_left_can_be_compared_with_what_was_given(
    story: Story, node: ScriptedRail, wave: ScriptedFrancRail
) -> None:
    _paid_every_way(story, node, wave)
    proposal = propose_erasure(
        user_id="user-0", reason="asked", proposer=make_user(Role.FINANCE), now=story.now
    )
    approver = make_user(Role.APPROVER)
    approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=story.now)

    require_in_no_row(HIDDEN)
    assert PersonKey.objects.get(person_ref="member:user-0").wrapped_key is None
    left = b"\n".join(row for _, row in rows())
    people = set(PersonKey.objects.exclude(wrapped_key=None).values_list("person_ref", flat=True))
    assert people == {"member:user-1", LOOKUP_KEY}
    assert not LookupToken.objects.filter(subject="member:user-0").exists()
    keys = keys_of(people)
    for person in people:
        assert [text for text in HIDDEN.values() if keys.digest(person, text)[:32].encode() in left] == []
