"""All that is kept about a person is exported by a command, with its reason in the trail; the erased included."""

import json
import stat
from collections.abc import Mapping
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from ledger.services import post
from ledger.types import credit, debit
from payouts.errors import MemberMissing
from payouts.models import Contribution, Cycle, Group, Member
from payouts.services.contributions import open_contribution
from payouts.services.erasure import propose_erasure
from payouts.services.exports import export_person
from payouts.services.members import change_member
from payouts.services.proposals import propose_refund
from payouts.services.refunds import request_refund
from payouts.services.winners import exchange_winner
from sunusav.core.approvals import approve
from sunusav.core.models import TrailEntry
from sunusav.core.roles import Role
from tests.factories.payouts import (
    ACTOR,
    NOW,
    make_cycle,
    make_group,
    make_payable_cycle,
    process,
)
from tests.factories.receipts import set_issuer
from tests.factories.treasury import NODE
from tests.factories.users import make_user
from tests.fakes.rail import invoice
from tests.payouts.unchanged import nothing_changes
from transfers.engine.runner import run_due
from transfers.models import Disbursement
from transfers.services.credit_transfers import propose_credit_transfer
from transfers.services.receipt_links import open_receipt_link
from transfers.types import credit_of

pytestmark = pytest.mark.django_db
AWA = "user-0"
LATER = NOW + timedelta(hours=1)


def credited(user_id: str, amount_msat: int) -> None:
    lines = [debit(NODE, amount_msat), credit(credit_of(user_id), amount_msat)]
    post(kind="receipt", reference=f"{user_id}:{amount_msat}", lines=lines, at=NOW, subject="test:1")


def paid_cycle(group: Group) -> Disbursement:
    """Pay out a cycle that user-0 won."""
    cycle = make_payable_cycle(group, net_sats=19_800, cycle_id="cycle-won")
    payout_id = process(cycle)
    run_due(slots=1, clock=lambda: NOW)
    return Disbursement.objects.get(pk=payout_id)


def exported(user_id: str = AWA) -> dict[str, Any]:
    """Export as JSON holds it."""
    document = export_person(user_id=user_id, reason="asked for it", system_user="", actor=ACTOR, now=LATER)
    read: dict[str, Any] = json.loads(document)
    return read


def sections(user_id: str = AWA) -> Mapping[str, Any]:
    found: Mapping[str, Any] = exported(user_id)["sections"]
    return found


def commanded(*options: str) -> str:
    printed = StringIO()
    call_command("export_person", *options, stdout=printed)
    return printed.getvalue()


# What is in it


def test_membership_has_name_and_phone_in_full() -> None:
    group = make_group(members=2, id="g-1")
    document = exported()
    assert (document["user_id"], document["is_erased"], document["erased_at"]) == (AWA, False, None)
    assert document["exported_at"] == "2026-03-04T11:00:00Z"
    assert document["sections"]["memberships"] == [
        {
            "group": "g-1", "group_name": group.name, "name": "Awa Ndiaye", "phone": "+221771234567",
            "added_at": "2026-03-04T10:00:00Z", "left_at": None, "phone_replaced_at": None,
        }
    ]  # fmt: skip


def test_contributions_and_what_was_received_for_them() -> None:
    paid_cycle(make_group(members=2))
    found = sections()
    owed = Contribution.objects.get(user_id=AWA)
    assert [row["contribution"] for row in found["contributions"]] == [owed.pk]
    [request] = found["payment_requests"]
    assert (request["subject"], request["state"], request["asked"], request["currency"]) == (
        f"contribution:{owed.pk}", "settled", 10_000_000, "msat",
    )  # fmt: skip
    assert [row["received"] for row in request["receipts"]] == [10_000_000]


def test_phone_that_was_asked_to_pay_is_in_full() -> None:
    cycle = make_cycle(make_group(members=2))
    open_contribution(
        cycle_id=cycle.pk, user_id=AWA, method="wave", phone="+221770000001", actor=ACTOR, now=NOW
    )
    assert [row["phone"] for row in sections()["payment_requests"]] == ["+221770000001"]


def test_payout_has_its_destination_proof_and_fee() -> None:
    paid = paid_cycle(make_group(members=2))
    cycle = Cycle.objects.get()
    found = sections()
    [won], [payment] = found["cycles_won"], found["payments"]
    assert won["cycle"] == cycle.pk
    assert [one["kind"] for one in won["destinations"]] == ["bolt11"]
    assert (payment["payment"], payment["state"], payment["payout_msat"], payment["net_msat"]) == (
        paid.pk, "completed", 20_000_000, 19_800_000,
    )  # fmt: skip
    assert payment["destinations"] == won["destinations"]
    [attempt] = payment["attempts"]
    assert (attempt["reference"], len(attempt["proof"])) == (paid.orders.get().reference, 64)
    assert [(row["fee_sats"], row["net_sats"]) for row in found["fees"]] == [(200, 19_800)]


def test_payment_to_an_earlier_winner_is_theirs_alone() -> None:
    group = make_group(members=2)
    cycle = make_payable_cycle(group, net_sats=19_800)
    exchange_winner(cycle_id=cycle.pk, winner_user_id="user-1", reason="agreed", actor=ACTOR, now=NOW)
    assert sections(AWA)["cycles_won"] == []
    assert [row["cycle"] for row in sections("user-1")["cycles_won"]] == [cycle.pk]
    assert sections("user-1")["payments"] == []


def test_credit_refunds_and_transfers_of_credit() -> None:
    make_group(members=2)
    credited(AWA, 10_000_000)
    request_refund(
        user_id=AWA, amount_sats=1_000, destination=invoice("awa", 1_000), reason="left", actor=ACTOR, now=NOW
    )
    propose_refund(
        user_id=AWA, amount_sats=2_000, destination=invoice("second", 2_000), reason="left",
        proposer=make_user(Role.FINANCE), now=NOW,
    )  # fmt: skip
    propose_credit_transfer(
        from_user_id=AWA, to_user_id="user-1", reference="file 1", explanation="heir",
        proposer=make_user(Role.FINANCE), now=NOW,
    )  # fmt: skip

    found = sections()

    assert [row["amount_sats"] for row in found["refunds"]] == [1_000]
    [proposed] = found["proposed_refunds"]
    assert (proposed["amount_sats"], proposed["destination"]) == (2_000, invoice("second", 2_000).value)
    assert [row["credit_msat"] for row in found["credit"]] == [9_000_000]
    assert [row["amount_msat"] for row in found["credit_movements"]] == [-1_000_000, 10_000_000]
    expected = [{"from": AWA, "to": "user-1", "amount_msat": 9_000_000, "is_booked": False}]
    kept = ("from", "to", "amount_msat", "is_booked")
    assert [{name: row[name] for name in kept} for row in found["credit_transfers"]] == expected
    assert [row["from"] for row in sections("user-1")["credit_transfers"]] == [AWA]
    assert {row["kind"] for row in found["proposals"]} == {"refund_payment", "credit_transfer"}


def test_receipts_and_their_links_are_named_without_their_secrets() -> None:
    paid = paid_cycle(make_group(members=2))
    set_issuer(now=NOW)
    link = open_receipt_link(kind="payout", key=paid.pk, user=make_user(Role.PLATFORM), now=NOW)
    [receipt] = sections()["receipts"]
    assert (receipt["number"], receipt["facts"]["user_id"]) == (link.receipt.number, AWA)
    assert [set(row) for row in receipt["links"]] == [{"opened_by", "opened_at", "expires_at", "closed_at"}]
    assert link.token not in json.dumps(exported())


def test_trail_names_who_changed_their_data_and_nobody_else() -> None:
    make_group(members=2, id="g-1")
    change_member(user_id=AWA, display_name="Awa Fall", actor=ACTOR, now=NOW)
    change_member(user_id="user-1", display_name="Moussa", actor=ACTOR, now=NOW)
    found = sections()["trail"]
    assert [(row["subject"], row["action"], row["who"]) for row in found] == [
        (f"member:{AWA}", "change_member", "system:tests"),
        (f"member:{AWA}", "export_person", "system:tests"),
    ]


def test_other_people_are_not_in_it() -> None:
    """Those of the same group and cycle have the same kinds of rows, with a name and phone of their own."""
    paid_cycle(make_group(members=2, id="g-1"))
    change_member(user_id="user-1", display_name="Moussa Sarr", phone="+221779999999", actor=ACTOR, now=NOW)
    text = json.dumps(exported())
    assert [other for other in ("user-1", "Moussa", "+221779999999") if other in text] == []


def test_erased_person_is_exported_with_what_is_left() -> None:
    paid = paid_cycle(make_group(members=2, id="g-1"))
    proposal = propose_erasure(user_id=AWA, reason="asked for it", proposer=make_user(Role.FINANCE), now=NOW)
    approve(proposal_id=proposal.pk, approver=make_user(Role.APPROVER), digest=proposal.digest, now=NOW)

    document = exported()

    found = document["sections"]
    assert (document["is_erased"], document["erased_at"]) == (True, "2026-03-04T10:00:00Z")
    assert [(row["name"], row["phone"]) for row in found["memberships"]] == [(None, None)]
    assert [row["payment"] for row in found["payments"]] == [paid.pk]
    assert [row["erased_at"] for row in found["erasures"]] == ["2026-03-04T10:00:00Z"]
    assert "Awa Ndiaye" not in json.dumps(document)


# Who, and the trace


def test_export_leaves_who_and_why_in_the_trail_and_nothing_else_changes() -> None:
    make_group(members=1)
    exported()
    entry = TrailEntry.objects.get()
    assert (entry.subject, entry.action, entry.reason, entry.facts) == (
        f"member:{AWA}", "export_person", "asked for it", {},
    )  # fmt: skip


def test_nobody_is_not_exported() -> None:
    with nothing_changes(), pytest.raises(MemberMissing):
        exported("nobody")


def test_command_prints_json_and_names_the_user_of_the_system() -> None:
    make_group(members=1)
    document = json.loads(commanded(AWA, "--reason", "asked for it"))
    assert document["sections"]["memberships"][0]["name"] == "Awa Ndiaye"
    entry = TrailEntry.objects.get()
    assert (entry.actor_label, entry.reason) == ("system:export_person", "asked for it")
    assert entry.facts["system_user"]


def test_command_writes_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    make_group(members=1)
    file = tmp_path / "awa.json"
    assert "Awa" not in commanded(AWA, "--reason", "asked for it", "--output", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["user_id"] == AWA


def test_command_overwrites_no_file_and_exports_nothing_then(tmp_path: Path) -> None:
    make_group(members=1)
    file = tmp_path / "awa.json"
    file.write_text("kept")
    with pytest.raises(CommandError, match="exists"):
        commanded(AWA, "--reason", "asked for it", "--output", str(file))
    assert (file.read_text(), TrailEntry.objects.count()) == ("kept", 0)


def test_command_needs_a_reason_and_a_member(tmp_path: Path) -> None:
    make_group(members=1)
    with pytest.raises(CommandError, match="--reason"):
        commanded(AWA)
    with pytest.raises(CommandError, match="reason"):
        commanded(AWA, "--reason", "  ")
    file = tmp_path / "nobody.json"
    with pytest.raises(CommandError, match="nobody"):
        commanded("nobody", "--reason", "asked for it", "--output", str(file))
    assert not file.exists()
    assert not TrailEntry.objects.exists()


def test_members_of_no_group_any_more_are_exported() -> None:
    make_group(members=1)
    Member.objects.update(left_at=NOW)
    assert [row["left_at"] for row in sections()["memberships"]] == ["2026-03-04T10:00:00Z"]
