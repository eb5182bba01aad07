"""Successful calls of every endpoint: one at least for each status of success, and more where states differ."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.test import override_settings
from django.utils.timezone import now as wall_clock
from rest_framework.test import APIClient

from partners.models import Settlement
from partners.settlements.queries import settlement
from payouts.models import Contribution, Cycle, Refund
from payouts.services.withdrawals import open_withdrawal_link, take_withdrawals
from sunusav.core import clock
from sunusav.core.roles import Role
from tests.factories.floats import looked_at
from tests.factories.payouts import (
    ACTOR,
    make_cycle,
    make_group,
    make_payable_cycle,
    make_ready_cycle,
    pay_contribution,
    process,
)
from tests.factories.receipts import set_issuer
from tests.factories.settlements import another_partner, approved, closed, rate_of
from tests.factories.users import client_in
from tests.fakes.rail import FakeInvoice, ScriptedRail, invoice
from tests.ledger.builders import stored_rate
from transfers.engine.runner import run_due
from transfers.enums import FailureClass
from transfers.services.withdrawals import redeem_withdrawal
from transfers.types import Refused

ROOT = "/monetization"


@dataclass
class World:
    """Clients of each role, and the node that pays."""

    node: ScriptedRail
    clients: dict[Role, APIClient] = field(default_factory=dict)

    def client(self, role: Role) -> APIClient:
        if role not in self.clients:
            self.clients[role] = client_in(role)
        return self.clients[role]

    def get(self, path: str, *, role: Role = Role.PLATFORM) -> Any:
        return self.client(role).get(path)

    def post(self, path: str, body: dict[str, Any] | None = None, *, role: Role = Role.PLATFORM) -> Any:
        return self.client(role).post(path, body)

    def pay(self, cycle: Cycle) -> int:
        payout_id = process(cycle)
        run_due(slots=1, clock=wall_clock)
        return payout_id

    def fail_to_pay(self, cycle: Cycle) -> int:
        self.node.script.append(Refused(reason="incorrect-details", failure=FailureClass.FINAL))
        return self.pay(cycle)


Example = Callable[[World], Iterator[Any]]
EXAMPLES: dict[tuple[str, str], Example] = {}


def example(method: str, route: str) -> Callable[[Example], Example]:
    def register(calls: Example) -> Example:
        EXAMPLES[method, route] = calls
        return calls

    return register


def payable_cycle(**fields: Any) -> Cycle:
    return make_payable_cycle(make_group(members=2), net_sats=19_800, **fields)


def every_page(world: World, path: str) -> Iterator[Any]:
    following: str | None = f"{path}?page_size=1"
    while following:
        response = world.get(following)
        following = response.json()["next"]
        yield response


# The API's own


@example("GET", "health")
def get_health(world: World) -> Iterator[Any]:
    yield APIClient().get("/health")


@example("GET", "metrics")
def get_metrics(world: World) -> Iterator[Any]:
    yield world.get("/metrics", role=Role.OPERATOR)


@example("GET", "monetization/health")
def get_components(world: World) -> Iterator[Any]:
    yield world.get(f"{ROOT}/health")


@example("POST", "monetization/outgoing/pause")
def post_pause(world: World) -> Iterator[Any]:
    yield world.post(f"{ROOT}/outgoing/pause", {"reason": "node looks odd"}, role=Role.OPERATOR)


@example("POST", "monetization/outgoing/resume")
def post_resume(world: World) -> Iterator[Any]:
    next(post_pause(world))
    yield world.post(f"{ROOT}/outgoing/resume", {"reason": "healthy"}, role=Role.FINANCE)
    yield world.post(f"{ROOT}/outgoing/resume", {"reason": "seen it"}, role=Role.APPROVER)


# fees


@example("POST", "monetization/fees/calculate")
def post_calculate(world: World) -> Iterator[Any]:
    yield APIClient().post(f"{ROOT}/fees/calculate", {"payout_sats": 12_345, "group_verified": True})


@example("GET", "monetization/fees/tiers")
def get_tiers(world: World) -> Iterator[Any]:
    yield APIClient().get(f"{ROOT}/fees/tiers")


@example("POST", "monetization/fees/project-annual-revenue")
def post_project(world: World) -> Iterator[Any]:
    yield world.post(f"{ROOT}/fees/project-annual-revenue", {"groups_count": 10})


# ledger


@example("GET", "monetization/rates/current")
def get_rate(world: World) -> Iterator[Any]:
    yield world.get(f"{ROOT}/rates/current")
    stored_rate("9123457.25", at=clock.now())
    yield world.get(f"{ROOT}/rates/current")


@example("POST", "monetization/rates/update")
def post_rate(world: World) -> Iterator[Any]:
    body = {"rate": "8500000.5", "reason": "the sources are unavailable"}
    yield world.post(f"{ROOT}/rates/update", body, role=Role.FINANCE)
    yield world.post(f"{ROOT}/rates/update", body, role=Role.APPROVER)


@example("POST", "monetization/convert/sats-to-xof")
def post_sats_to_xof(world: World) -> Iterator[Any]:
    yield world.post(f"{ROOT}/convert/sats-to-xof", {"amount_sats": 1})


@example("POST", "monetization/convert/xof-to-sats")
def post_xof_to_sats(world: World) -> Iterator[Any]:
    yield world.post(f"{ROOT}/convert/xof-to-sats", {"amount_xof": 500})


# payouts


@example("GET", "monetization/groups")
def get_groups(world: World) -> Iterator[Any]:
    make_group(members=0)
    make_group(members=0)
    yield from every_page(world, f"{ROOT}/groups")


@example("POST", "monetization/groups")
def post_group(world: World) -> Iterator[Any]:
    yield world.post(f"{ROOT}/groups", {"id": "group-7", "name": "Tontine Médina", "country": "SN"})


@example("GET", "monetization/groups/<str:group_id>")
def get_group(world: World) -> Iterator[Any]:
    yield world.get(f"{ROOT}/groups/{make_group(members=2).pk}")


@example("POST", "monetization/groups/<str:group_id>/members")
def post_member(world: World) -> Iterator[Any]:
    path = f"{ROOT}/groups/{make_group(members=0).pk}/members"
    yield world.post(path, {"user_id": "user-1", "display_name": "Awa Ndiaye", "phone": "+221771234567"})
    yield world.post(path, {"user_id": "user-2", "display_name": "Awa"})


@example("PATCH", "monetization/groups/<str:group_id>")
def patch_group(world: World) -> Iterator[Any]:
    path = f"{ROOT}/groups/{make_group(members=0).pk}"
    yield world.client(Role.PLATFORM).patch(path, {"name": "Tontine Dakar", "settlement_partner": "orange"})


@example("DELETE", "monetization/groups/<str:group_id>/members/<str:user_id>")
def delete_member(world: World) -> Iterator[Any]:
    path = f"{ROOT}/groups/{make_group(members=1).pk}/members/user-0"
    yield world.client(Role.PLATFORM).delete(path)


@example("PATCH", "monetization/members/<str:user_id>")
def patch_member(world: World) -> Iterator[Any]:
    make_group(members=1)
    path = f"{ROOT}/members/user-0"
    yield world.client(Role.PLATFORM).patch(path, {"display_name": "Binta Sow"})
    yield world.client(Role.PLATFORM).patch(path, {"phone": "+221779999999"})


@example("GET", "monetization/members/<str:user_id>/credit")
def get_credit(world: World) -> Iterator[Any]:
    """Two overpaid contributions, a page of one each, and a member without credit."""
    for _ in range(2):
        pay_contribution(make_cycle(make_group(members=2)), "user-0", received_msat=10_000_777)
    path = f"{ROOT}/members/user-0/credit"
    first = world.get(f"{path}?page_size=1")
    yield first
    yield world.client(Role.PLATFORM).get(first.json()["next"])
    yield world.get(f"{ROOT}/members/user-1/credit")


def refunded(world: World) -> Iterator[Any]:
    """Refund half of what `user-0` overpaid, by an invoice of its own for each call."""
    pay_contribution(make_cycle(make_group(members=2)), "user-0", received_msat=12_000_000)
    wallet = FakeInvoice(f"wallet-{Refund.objects.count()}", 1_000_000)
    body = {"amount_sats": 1_000, "reason": "moved away"}
    destination = {"rail": "lightning", "kind": "bolt11", "value": wallet.text}
    yield world.post(f"{ROOT}/members/user-0/refunds", {**body, "destination": destination})


@example("POST", "monetization/members/<str:user_id>/refunds")
def post_refund(world: World) -> Iterator[Any]:
    yield from refunded(world)


@example("GET", "monetization/members/<str:user_id>/refunds")
def get_refunds(world: World) -> Iterator[Any]:
    for _ in range(2):
        next(refunded(world))
    yield from every_page(world, f"{ROOT}/members/user-0/refunds")


@example("GET", "monetization/members/<str:user_id>/refunds/<int:refund_id>")
def get_refund(world: World) -> Iterator[Any]:
    made = next(refunded(world)).json()
    yield world.get(f"{ROOT}/members/user-0/refunds/{made['id']}")


@example("POST", "monetization/members/<str:user_id>/refunds/<int:refund_id>/cancel")
def post_refund_cancel(world: World) -> Iterator[Any]:
    made = next(refunded(world)).json()
    yield world.post(f"{ROOT}/members/user-0/refunds/{made['id']}/cancel", {"reason": "another wallet"})


@example("POST", "monetization/cycles/<str:cycle_id>/cancel")
def post_cycle_cancel(world: World) -> Iterator[Any]:
    for cycle in (make_cycle(make_group(members=2)), payable_cycle()):
        yield world.post(f"{ROOT}/cycles/{cycle.pk}/cancel", {"reason": "the group has dissolved"})


@example("POST", "monetization/cycles/<str:cycle_id>/close-short")
def post_cycle_close_short(world: World) -> Iterator[Any]:
    cycle = make_cycle(make_group(members=2))
    pay_contribution(cycle, "user-0")
    yield world.post(f"{ROOT}/cycles/{cycle.pk}/close-short", {"reason": "one member cannot pay"})


@example("PUT", "monetization/cycles/<str:cycle_id>/winner")
def put_winner(world: World) -> Iterator[Any]:
    path = f"{ROOT}/cycles/{payable_cycle().pk}/winner"
    body = {"winner_user_id": "user-1", "reason": "both agreed"}
    yield world.client(Role.PLATFORM).put(path, body)


@example("GET", "monetization/cycles")
def get_cycles(world: World) -> Iterator[Any]:
    make_cycle(make_group(members=2))
    world.fail_to_pay(payable_cycle())
    yield from every_page(world, f"{ROOT}/cycles")


@example("POST", "monetization/cycles")
def post_cycle(world: World) -> Iterator[Any]:
    body = {"id": "cycle-8", "cycle_index": 8, "contribution_sats": 10_000, "winner_user_id": "user-0"}
    yield world.post(f"{ROOT}/cycles", {**body, "group_id": make_group(members=2).pk})


@example("GET", "monetization/cycles/<str:cycle_id>")
def get_cycle(world: World) -> Iterator[Any]:
    failed = payable_cycle()
    world.fail_to_pay(failed)
    for cycle in (make_cycle(make_group(members=2)), payable_cycle(), failed):
        yield world.get(f"{ROOT}/cycles/{cycle.pk}")


@example("PUT", "monetization/cycles/<str:cycle_id>/destination")
def put_destination(world: World) -> Iterator[Any]:
    path = f"{ROOT}/cycles/{make_cycle(make_group(members=2)).pk}/destination"
    for name in ("first", "second"):
        body = {"rail": "lightning", "kind": "bolt11", "value": FakeInvoice(name, 19_800_000).text}
        yield world.client(Role.PLATFORM).put(path, body)


@example("GET", "monetization/cycles/<str:cycle_id>/contributions")
def get_contributions(world: World) -> Iterator[Any]:
    cycle = make_cycle(make_group(members=2))
    pay_contribution(cycle, "user-0")
    yield from every_page(world, f"{ROOT}/cycles/{cycle.pk}/contributions")


@example("POST", "monetization/cycles/<str:cycle_id>/contributions")
def post_contribution(world: World) -> Iterator[Any]:
    cycle = make_cycle(make_group(members=2))
    yield world.post(f"{ROOT}/cycles/{cycle.pk}/contributions", {"user_id": "user-0", "method": "lightning"})


@example("POST", "monetization/cycles/<str:cycle_id>/contributions/<int:contribution_id>/cancel")
def post_contribution_cancel(world: World) -> Iterator[Any]:
    requested = next(post_contribution(world)).json()
    path = f"{ROOT}/cycles/{requested['cycle_id']}/contributions/{requested['id']}/cancel"
    yield world.post(path, {"reason": "the member pays by another method"})


@example("GET", "monetization/cycles/<str:cycle_id>/contributions/<int:contribution_id>/qr")
def get_contribution_qr(world: World) -> Iterator[Any]:
    requested = next(post_contribution(world)).json()
    yield world.get(f"{ROOT}/cycles/{requested['cycle_id']}/contributions/{requested['id']}/qr")


@example("POST", "monetization/cycles/<str:cycle_id>/withdrawal-link")
def post_withdrawal_link(world: World) -> Iterator[Any]:
    yield world.post(f"{ROOT}/cycles/{make_ready_cycle(make_group(members=2)).pk}/withdrawal-link")


@example("GET", "monetization/cycles/<str:cycle_id>/withdrawal-link")
def get_withdrawal_link(world: World) -> Iterator[Any]:
    for is_paused in (False, True):
        cycle = make_ready_cycle(make_group(members=2))
        path = f"{ROOT}/cycles/{cycle.pk}/withdrawal-link"
        now = clock.now()
        opened = open_withdrawal_link(cycle_id=cycle.pk, actor=ACTOR, now=now)
        yield world.get(path)
        given = invoice(f"wallet-{cycle.pk}", 19_800)
        redeem_withdrawal(secret=opened.secret, kind=given.kind, value=given.value, now=now)
        if is_paused:
            world.post(f"{ROOT}/outgoing/pause", {"reason": "node looks odd"}, role=Role.OPERATOR)
        take_withdrawals(now=now)
        yield world.get(path)


@example("DELETE", "monetization/cycles/<str:cycle_id>/withdrawal-link")
def delete_withdrawal_link(world: World) -> Iterator[Any]:
    opened = next(post_withdrawal_link(world)).json()
    yield world.client(Role.PLATFORM).delete(f"{ROOT}/cycles/{opened['cycle_id']}/withdrawal-link")


@example("GET", "monetization/payouts")
def get_payouts(world: World) -> Iterator[Any]:
    process(payable_cycle())
    world.fail_to_pay(payable_cycle())
    yield from every_page(world, f"{ROOT}/payouts")


@example("POST", "monetization/receipts")
def post_receipt(world: World) -> Iterator[Any]:
    set_issuer(now=clock.now())
    yield world.post(f"{ROOT}/receipts", {"kind": "payout", "id": world.pay(payable_cycle())})
    owed = Contribution.objects.filter(cycle=payable_cycle()).latest("pk")
    yield world.post(f"{ROOT}/receipts", {"kind": "contribution", "id": owed.pk}, role=Role.FINANCE)


@example("DELETE", "monetization/receipts/<str:number>/link")
def delete_receipt_link(world: World) -> Iterator[Any]:
    number = next(post_receipt(world)).json()["number"]
    yield world.client(Role.PLATFORM).delete(f"{ROOT}/receipts/{number}/link")


@example("POST", "monetization/payouts/process")
def post_process(world: World) -> Iterator[Any]:
    yield world.post(f"{ROOT}/payouts/process", {"cycle_id": payable_cycle().pk})


@example("POST", "monetization/payouts/schedule")
def post_schedule(world: World) -> Iterator[Any]:
    later = (clock.now() + timedelta(days=1)).isoformat()
    yield world.post(f"{ROOT}/payouts/schedule", {"cycle_id": payable_cycle().pk, "scheduled_at": later})
    yield world.post(f"{ROOT}/payouts/schedule", {"cycle_id": payable_cycle().pk})


@example("GET", "monetization/payouts/status/<str:cycle_id>")
def get_payout_status(world: World) -> Iterator[Any]:
    waiting, failed, paid = payable_cycle(), payable_cycle(), payable_cycle()
    world.fail_to_pay(failed)
    world.pay(paid)
    for cycle in (waiting, failed, paid):
        yield world.get(f"{ROOT}/payouts/status/{cycle.pk}")


@example("GET", "monetization/payouts/<int:payout_id>")
def get_payout(world: World) -> Iterator[Any]:
    scheduled = next(post_schedule(world)).json()["payout_id"]
    for payout_id in (scheduled, world.fail_to_pay(payable_cycle()), world.pay(payable_cycle())):
        yield world.get(f"{ROOT}/payouts/{payout_id}")


@example("POST", "monetization/payouts/<int:payout_id>/retry")
def post_retry(world: World) -> Iterator[Any]:
    payout_id = world.fail_to_pay(payable_cycle())
    yield world.post(f"{ROOT}/payouts/{payout_id}/retry", {"reason": "the winner gave a new invoice"})


@example("POST", "monetization/payouts/<int:payout_id>/cancel")
def post_payout_cancel(world: World) -> Iterator[Any]:
    payout_id = process(payable_cycle())
    yield world.post(f"{ROOT}/payouts/{payout_id}/cancel", {"reason": "the group requested it"})


@example("POST", "monetization/payouts/<int:payout_id>/reverse")
def post_reverse(world: World) -> Iterator[Any]:
    path = f"{ROOT}/payouts/{world.pay(payable_cycle())}/reverse"
    body = {"kind": "bank_line", "reference": f"{'ab' * 32}:0", "reason": "the bank returned it"}
    proposed = world.post(path, body, role=Role.FINANCE)
    yield proposed
    answer = proposed.json()
    approval = {"proposal_id": int(answer["proposal_id"]), "digest": answer["digest"]}
    yield world.post(path, approval, role=Role.APPROVER)


@example("GET", "monetization/payouts/<int:payout_id>/receipt")
def get_receipt(world: World) -> Iterator[Any]:
    yield world.get(f"{ROOT}/payouts/{world.pay(payable_cycle())}/receipt")


@example("GET", "monetization/partners/<str:partner>/balance")
def partner_balance(world: World) -> Iterator[Any]:
    looked_at("wave", 250_000, at=clock.now())
    with override_settings(PARTNERS=["wave"], RAILS={"wave": "tests.fakes.franc_rail.ScriptedFrancRail"}):
        for role in Role:
            yield world.get(f"{ROOT}/partners/wave/balance", role=role)


# Settlements with partners


def _settlement(world: World) -> Settlement:
    """Close a month that ended at least some days ago."""
    now = clock.now()
    at = now - timedelta(days=40)
    rate_of("8000000", at=at)
    return closed(partner=another_partner(at=at, now=now), now=now)


def _seen(row: Settlement) -> dict[str, Any]:
    facts = settlement(row.pk)
    return {"proposal_id": facts.proposal_id, "digest": facts.digest}


@example("POST", "monetization/partners/settle")
def post_settle(world: World) -> Iterator[Any]:
    yield world.post(f"{ROOT}/partners/settle", {"partner_name": "wave"}, role=Role.FINANCE)


@example("GET", "monetization/partners/settlements")
def get_settlements(world: World) -> Iterator[Any]:
    _settlement(world)
    yield world.get(f"{ROOT}/partners/settlements?status=pending", role=Role.FINANCE)


@example("GET", "monetization/partners/settlements/<int:settlement_id>")
def get_settlement(world: World) -> Iterator[Any]:
    yield world.get(f"{ROOT}/partners/settlements/{_settlement(world).pk}", role=Role.AUDITOR)


@example("GET", "monetization/partners/settlements/summary")
def get_settlements_summary(world: World) -> Iterator[Any]:
    partner = _settlement(world).partner
    yield world.get(f"{ROOT}/partners/settlements/summary?partner_name={partner}", role=Role.FINANCE)


@example("POST", "monetization/partners/settlements/<int:settlement_id>/approve")
def post_settlement_approve(world: World) -> Iterator[Any]:
    row = _settlement(world)
    yield world.post(f"{ROOT}/partners/settlements/{row.pk}/approve", _seen(row), role=Role.APPROVER)


@example("POST", "monetization/partners/settlements/<int:settlement_id>/reject")
def post_settlement_reject(world: World) -> Iterator[Any]:
    row = _settlement(world)
    body = {**_seen(row), "reason": "the partner contests it"}
    yield world.post(f"{ROOT}/partners/settlements/{row.pk}/reject", body, role=Role.APPROVER)


@example("POST", "monetization/partners/settlements/<int:settlement_id>/execute")
def post_settlement_execute(world: World) -> Iterator[Any]:
    row = _settlement(world)
    approved(row, now=clock.now())
    yield world.post(f"{ROOT}/partners/settlements/{row.pk}/execute", _seen(row), role=Role.FINANCE)
