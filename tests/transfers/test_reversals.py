"""Payments whose money came back, with numbers worked by hand.

A payout of 100,000 sats at 1 % takes 1,000 = 500 + 200 + 300 sats of fee; its net is 99,000 sats, at 9,123,457 XOF/BTC
9,032 F with 2,438 msat left over for the winner and one msat of rounding.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fees.models import FeeRecord
from ledger.enums import AccountRole, Currency
from ledger.queries import balance, owed
from ledger.services import post, repay_receivables
from ledger.types import AccountRef, Line, Money, msat, xof
from sunusav.core.approvals import (
    ApproverIsProposer,
    NotAllowedToDecide,
    ProposalAlreadyOpen,
    approve,
    reject,
)
from sunusav.core.auditing import AuditScope
from sunusav.core.models import OutboxMessage, Proposal, TrailEntry
from sunusav.core.roles import Role
from tests.factories import treasury
from tests.factories.users import make_user
from tests.fakes.franc_rail import FLOAT, ScriptedFrancRail, phone
from tests.ledger.builders import stored_rate
from tests.transfers.builders import BY, NET_SATS, NOW, PAYOUT_MSAT, ordered, pot, row_of, run
from tests.transfers.rails import SteeredCollector, SteeredRail, Watch, invoice_for
from tests.transfers.unchanged import unchanged
from transfers.booking import COMMUNITY_FUND, IN_TRANSIT, PLATFORM_FEES, ROUNDING
from transfers.engine.reversing import confirm_reversals
from transfers.enums import ReturnKind, TreasuryKind
from transfers.errors import (
    DisbursementNotRetryable,
    DisbursementNotReversible,
    ReturnDateOutOfRange,
    ReturnDiffers,
    ReturnReferenceBooked,
    ReturnReferenceClaimed,
    ReturnReferenceMalformed,
    ReturnReferenceUsed,
    ReturnRequested,
    ReturnUnproven,
)
from transfers.invariants import INVARIANTS
from transfers.models import Attempt, Collection, Reversal
from transfers.services.cancellations import cancel_collection
from transfers.services.disbursements import retry_disbursement
from transfers.services.matching import match_rails
from transfers.services.receipts import record_receipt
from transfers.services.return_proofs import returns_account
from transfers.services.returns import request_return
from transfers.services.reversals import book_provider_reversal, propose_reversal
from transfers.treasury_errors import TreasuryReferenceReversed
from transfers.types import Choice, Movement, Reversed, Unknown
from transfers.types.accounts import POSITION_MSAT, POSITION_XOF

pytestmark = pytest.mark.django_db

CREDIT = AccountRef(AccountRole.MEMBER_CREDIT, Currency.MSAT, "member:awa")
WAVE = AccountRef(AccountRole.PARTNER_RESERVE, Currency.MSAT, "wave")
ONCHAIN = AccountRef(AccountRole.BANK, Currency.MSAT, "onchain")
POT = pot("cycle:awa")
OUTPUT, OTHER_OUTPUT = f"{'ab' * 32}:0", f"{'cd' * 32}:0"
GAIN = Movement(TreasuryKind.SURPLUS, treasury.NODE, 1_000)


@pytest.fixture
def paid(francs: ScriptedFrancRail, watch: Watch) -> int:
    """A payment of 9,032 F to a phone."""
    stored_rate("9123457", at=NOW)
    disbursement_id = ordered(destination=phone("+221770000001"), residue=CREDIT)
    run(watch)
    return disbursement_id


@pytest.fixture
def paid_in_sats(node: SteeredRail, watch: Watch) -> int:
    disbursement_id = ordered("awa")
    run(watch)
    return disbursement_id


def breaches(watch: Watch) -> list[Any]:
    scope = AuditScope(now=watch())
    return [found for one in INVARIANTS if not one.waiting for found in one.find(scope)]


def matched(watch: Watch) -> int:
    """Match both rails and read the status of what was given back; return how many payments were booked back."""
    watch.advance(3_600)
    match_rails(["lightning", "franc"], clock=watch)
    return confirm_reversals(["lightning", "franc"], clock=watch)


def test_reversal_by_the_provider_is_booked_back_to_the_pot_with_the_fee(
    francs: ScriptedFrancRail, paid: int, watch: Watch, settings: Any
) -> None:
    settings.PLATFORM_WEBHOOK_URL = "http://platform.example"
    francs.give_back(f"franc-{paid}", at=NOW + timedelta(minutes=5))

    assert matched(watch) == 1

    row = row_of(paid)
    assert (row.state, row.live_subject) == ("reversed", None)
    assert (owed(POT), owed(PLATFORM_FEES), owed(COMMUNITY_FUND), owed(WAVE)) == (PAYOUT_MSAT, 0, 0, 0)
    assert (owed(CREDIT), balance(ROUNDING), balance(POSITION_MSAT), balance(POSITION_XOF)) == (0, 0, 0, 0)
    # What sending had cost stays the platform's expense.
    assert balance(FLOAT) == -5
    assert sorted(FeeRecord.objects.values_list("fee_sats", "is_reversal")) == [
        (-1_000, True),
        (1_000, False),
    ]
    reversal = Reversal.objects.get()
    assert (reversal.kind, reversal.reference, reversal.amount, reversal.currency) == (
        "provider_reversal", f"franc:reversal-of-franc-{paid}", 9_032, "XOF",
    )  # fmt: skip
    assert TrailEntry.objects.filter(subject=f"disbursement:{paid}", action="reverse").count() == 1
    assert OutboxMessage.objects.filter(topic="disbursement.reversed").count() == 1
    assert breaches(watch) == []


def test_cost_that_came_back_with_the_payment_is_no_expense_any_more(
    francs: ScriptedFrancRail, paid: int, watch: Watch
) -> None:
    francs.give_back(f"franc-{paid}", at=NOW)
    found = francs.reversals[f"franc-{paid}"]
    francs.reversals[f"franc-{paid}"] = replace(found, returned_cost=xof(5))

    assert matched(watch) == 1

    assert (balance(FLOAT), Reversal.objects.get().returned_cost) == (0, 5)
    assert owed(POT) == PAYOUT_MSAT
    assert breaches(watch) == []


@pytest.mark.parametrize(
    ("stated", "returned"),
    [(xof(6), 5), (xof(-1), 0), (msat(5_000), 0)],
    ids=["more", "less than none", "other"],
)
def test_payment_came_back_whatever_its_provider_says_of_the_fee(
    francs: ScriptedFrancRail, paid: int, watch: Watch, stated: Money, returned: int
) -> None:
    francs.give_back(f"franc-{paid}", at=NOW)
    found = francs.reversals[f"franc-{paid}"]
    francs.reversals[f"franc-{paid}"] = replace(found, returned_cost=stated)

    assert matched(watch) == 1

    # The payment had cost 5 francs: no more can come back.
    assert (balance(FLOAT), Reversal.objects.get().returned_cost) == (returned - 5, returned)
    assert breaches(watch) == []


def test_cost_that_was_not_stated_stays_with_the_statement(
    francs: ScriptedFrancRail, paid: int, watch: Watch
) -> None:
    Attempt.objects.update(cost=None)
    francs.give_back(f"franc-{paid}", at=NOW)
    found = replace(francs.reversals[f"franc-{paid}"], returned_cost=xof(5))

    assert book_provider_reversal(Attempt.objects.get().pk, found, now=watch())
    assert Reversal.objects.get().returned_cost == 0


def test_reversal_is_booked_once_however_often_it_is_reported(
    francs: ScriptedFrancRail, paid: int, watch: Watch
) -> None:
    francs.give_back(f"franc-{paid}", at=NOW)
    assert matched(watch) == 1
    attempt = Attempt.objects.get()
    with unchanged():
        assert not book_provider_reversal(attempt.pk, francs.reversals[f"franc-{paid}"], now=watch())
    assert matched(watch) == 0
    assert owed(POT) == PAYOUT_MSAT


def test_statement_alone_books_nothing(francs: ScriptedFrancRail, paid: int, watch: Watch) -> None:
    """The status that is read after it says that the payment is paid."""
    francs.give_back(f"franc-{paid}", at=NOW)
    given_back = dict(francs.reversals)
    watch.advance(3_600)
    match_rails(["franc"], clock=watch)
    francs.reversals.clear()
    assert confirm_reversals(["franc"], clock=watch) == 0
    assert row_of(paid).state == "completed"

    francs.reversals.update(given_back)
    assert confirm_reversals(["franc"], clock=watch) == 1


def test_payment_whose_status_breaks_the_worker_keeps_no_other_from_being_booked_back(
    francs: ScriptedFrancRail, paid: int, watch: Watch
) -> None:
    other = ordered("binta", destination=phone("+221770000002"))
    run(watch)
    for disbursement_id in (paid, other):
        francs.give_back(f"franc-{disbursement_id}", at=NOW)
    watch.advance(3_600)
    match_rails(["franc"], clock=watch)
    # The rail returns something that is no answer at all.
    francs.reversals[f"franc-{paid}"] = replace(francs.reversals[f"franc-{paid}"], amount=None)  # type: ignore[arg-type]

    assert confirm_reversals(["franc"], clock=watch) == 1
    assert (row_of(paid).state, row_of(other).state) == ("completed", "reversed")


def test_payment_given_back_in_part_before_it_was_booked_waits_for_a_person_and_nothing_more_is_sent(
    francs: ScriptedFrancRail, watch: Watch
) -> None:
    """The answer to 9,032 F is lost; the provider paid, and 5,000 F came back: the payee has 4,032 F."""
    stored_rate("9123457", at=NOW)
    disbursement_id = ordered(destination=phone("+221770000001"), residue=CREDIT)
    francs.script.append(Unknown(seen=True, reason="answer-lost"))
    run(watch)
    francs.reversals[f"franc-{disbursement_id}"] = Reversed("part", xof(5_000), NOW)
    watch.advance(60)
    run(watch)

    row = row_of(disbursement_id)
    assert (row.state, row.failure_code) == ("needs_review", "answer-contradicts-records")
    assert (francs.sends, owed(IN_TRANSIT)) == (1, PAYOUT_MSAT)
    with pytest.raises(DisbursementNotRetryable):
        retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="again", now=watch())


def test_payment_over_lightning_with_francs_as_second_choice_is_reversed(
    node: SteeredRail, francs: ScriptedFrancRail, watch: Watch
) -> None:
    """The conversion was fixed for the second choice, and is none of what was paid."""
    stored_rate("9123457", at=NOW)
    choices = (Choice(invoice_for("awa", NET_SATS)), Choice(phone("+221770000001")))
    disbursement_id = ordered("awa", choices=choices, residue=CREDIT)
    run(watch)
    proposal = propose_reversal(
        disbursement_id=disbursement_id, kind=ReturnKind.BANK_LINE, reference=OUTPUT, explanation="sent back",
        proposer=make_user(Role.FINANCE), now=watch(),
    )  # fmt: skip
    approve(proposal_id=proposal.pk, approver=make_user(Role.APPROVER), digest=proposal.digest, now=watch())

    assert (owed(POT), owed(CREDIT), balance(ONCHAIN)) == (PAYOUT_MSAT, 0, 99_000_000)
    assert breaches(watch) == []


def test_reference_of_a_return_is_compared_without_surplus_blanks_and_ids_in_lower_case(
    node: SteeredRail, paid_in_sats: int, watch: Watch
) -> None:
    other = ordered("binta")
    run(watch)
    finance, approver = make_user(Role.FINANCE), make_user(Role.APPROVER)
    facts: dict[str, Any] = {"kind": ReturnKind.BANK_LINE, "explanation": "returned", "proposer": finance}
    first = propose_reversal(disbursement_id=paid_in_sats, reference=f"{'AB' * 32}:0", now=watch(), **facts)
    approve(proposal_id=first.pk, approver=approver, digest=first.digest, now=watch())

    with unchanged(), pytest.raises(ReturnReferenceUsed):
        propose_reversal(disbursement_id=other, reference=f" {OUTPUT} ", now=watch(), **facts)


def test_part_of_the_money_is_not_booked(francs: ScriptedFrancRail, paid: int, watch: Watch) -> None:
    part = Reversed("part", type(francs.sendable().total)(9_000, Currency.XOF), NOW)
    with unchanged(), pytest.raises(ReturnDiffers) as refusal:
        book_provider_reversal(Attempt.objects.get().pk, part, now=watch())
    assert refusal.value.facts == {
        "disbursement_id": paid, "paid": 9_032, "returned": 9_000, "currency": "XOF",
    }  # fmt: skip


def test_what_the_fund_no_longer_holds_becomes_a_receivable_that_its_next_accruals_repay(
    francs: ScriptedFrancRail, paid: int, watch: Watch
) -> None:
    """Of its 200 sats the fund has spent 150: it gives back 50 and owes 150, which the next fees repay."""
    spent = [Line(COMMUNITY_FUND, 150_000), Line(ONCHAIN, -150_000)]
    post(kind="spend_for_test", reference="spent", lines=spent, at=NOW, subject="test")
    francs.give_back(f"franc-{paid}", at=NOW)

    assert matched(watch) == 1

    owes = COMMUNITY_FUND.receivable
    assert (owed(COMMUNITY_FUND), balance(owes)) == (0, 150_000)
    assert breaches(watch) == []

    stored_rate("9123457", at=watch())
    ordered("binta", at=watch(), destination=phone("+221770000002"))
    run(watch)
    repay_receivables(now=watch())
    assert (owed(COMMUNITY_FUND), balance(owes)) == (50_000, 0)
    assert breaches(watch) == []


def test_payment_to_our_wallet_needs_two_people(node: SteeredRail, paid_in_sats: int, watch: Watch) -> None:
    finance, approver = make_user(Role.FINANCE), make_user(Role.APPROVER)
    facts: dict[str, Any] = {"kind": ReturnKind.BANK_LINE, "reference": OUTPUT, "explanation": "returned"}
    proposal = propose_reversal(disbursement_id=paid_in_sats, proposer=finance, now=watch(), **facts)
    assert row_of(paid_in_sats).state == "completed"

    with pytest.raises(ApproverIsProposer):
        approve(proposal_id=proposal.pk, approver=finance, digest=proposal.digest, now=watch())
    with pytest.raises(NotAllowedToDecide):
        approve(
            proposal_id=proposal.pk, approver=make_user(Role.FINANCE), digest=proposal.digest, now=watch()
        )
    approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=watch())

    reversal = Reversal.objects.get()
    assert row_of(paid_in_sats).state == "reversed"
    assert (reversal.proposer_id, reversal.approver_id) == (finance.pk, approver.pk)
    assert (owed(POT), balance(ONCHAIN)) == (PAYOUT_MSAT, 99_000_000)
    assert breaches(watch) == []


def test_one_bank_line_reverses_one_payment(node: SteeredRail, paid_in_sats: int, watch: Watch) -> None:
    other = ordered("binta")
    run(watch)
    finance, approver = make_user(Role.FINANCE), make_user(Role.APPROVER)
    facts: dict[str, Any] = {"kind": ReturnKind.BANK_LINE, "reference": OUTPUT, "explanation": "returned"}
    first = propose_reversal(disbursement_id=paid_in_sats, proposer=finance, now=watch(), **facts)
    with unchanged(), pytest.raises(ReturnReferenceClaimed) as refusal:
        propose_reversal(disbursement_id=other, proposer=finance, now=watch(), **facts)
    assert refusal.value.facts == {
        "reference": OUTPUT, "disbursement_id": paid_in_sats, "proposal_id": str(first.pk),
    }  # fmt: skip
    approve(proposal_id=first.pk, approver=approver, digest=first.digest, now=watch())
    with unchanged(), pytest.raises(ReturnReferenceUsed):
        propose_reversal(disbursement_id=other, proposer=finance, now=watch(), **facts)
    assert row_of(other).state == "completed"


def test_reference_of_a_rejected_proposal_may_prove_the_return_of_another_payment(
    node: SteeredRail, paid_in_sats: int, watch: Watch
) -> None:
    other = ordered("binta")
    run(watch)
    finance, approver = make_user(Role.FINANCE), make_user(Role.APPROVER)
    facts: dict[str, Any] = {"kind": ReturnKind.BANK_LINE, "reference": OUTPUT, "explanation": "returned"}
    first = propose_reversal(disbursement_id=paid_in_sats, proposer=finance, now=watch(), **facts)
    reject(proposal_id=first.pk, approver=approver, reason="the other payment's", now=watch())

    second = propose_reversal(disbursement_id=other, proposer=finance, now=watch(), **facts)

    approve(proposal_id=second.pk, approver=approver, digest=second.digest, now=watch())
    assert (row_of(paid_in_sats).state, row_of(other).state) == ("completed", "reversed")


def test_second_proposal_is_refused_while_the_first_waits(
    node: SteeredRail, paid_in_sats: int, watch: Watch
) -> None:
    facts: dict[str, Any] = {"kind": ReturnKind.BANK_LINE, "explanation": "returned"}
    first = propose_reversal(
        disbursement_id=paid_in_sats, proposer=make_user(Role.FINANCE), reference=OUTPUT, now=watch(), **facts
    )
    with unchanged(), pytest.raises(ProposalAlreadyOpen) as refusal:
        propose_reversal(
            disbursement_id=paid_in_sats, proposer=make_user(Role.FINANCE), reference=f"{'cd' * 32}:1",
            now=watch(), **facts,
        )  # fmt: skip
    assert refusal.value.facts["proposal_id"] == str(first.pk)


def test_proposal_that_can_no_longer_be_approved_gives_way_to_another(
    node: SteeredRail, paid_in_sats: int, watch: Watch
) -> None:
    facts: dict[str, Any] = {"kind": ReturnKind.BANK_LINE, "reference": OUTPUT, "explanation": "returned"}
    first = propose_reversal(
        disbursement_id=paid_in_sats, proposer=make_user(Role.FINANCE), now=watch(), **facts
    )
    # As proposals are whose facts an older release had described.
    Proposal.objects.filter(pk=first.pk).update(digest="00" * 32)

    second = propose_reversal(
        disbursement_id=paid_in_sats, proposer=make_user(Role.FINANCE), now=watch(), **facts
    )

    first.refresh_from_db()
    assert (first.state, second.state) == ("withdrawn", "open")


@pytest.mark.parametrize("reference", ["VIR-2026-0043", "ab" * 32, f"{'ab' * 31}:0", f"{'ab' * 32}:"])
def test_return_of_sats_to_our_wallet_needs_the_output_of_a_transaction(
    node: SteeredRail, paid_in_sats: int, watch: Watch, reference: str
) -> None:
    with unchanged(), pytest.raises(ReturnReferenceMalformed) as refusal:
        propose_reversal(
            disbursement_id=paid_in_sats, kind=ReturnKind.BANK_LINE, reference=reference, explanation="sent back",
            proposer=make_user(Role.FINANCE), now=watch(),
        )  # fmt: skip
    assert refusal.value.facts == {"disbursement_id": paid_in_sats, "reference": reference}


def test_return_by_a_bank_line_happened_on_the_day_of_the_line(
    francs: ScriptedFrancRail, paid: int, watch: Watch
) -> None:
    facts: dict[str, Any] = {
        "kind": ReturnKind.BANK_LINE, "reference": "VIR-2026-0043", "explanation": "returned",
        "proposer": make_user(Role.FINANCE),
    }  # fmt: skip
    paid_on = NOW.date()
    watch.advance(3 * 86_400)
    for impossible in (paid_on - timedelta(days=1), paid_on + timedelta(days=4)):
        with unchanged(), pytest.raises(ReturnDateOutOfRange) as refusal:
            propose_reversal(disbursement_id=paid, now=watch(), returned_on=impossible, **facts)
        assert refusal.value.facts == {
            "disbursement_id": paid, "returned_on": impossible.isoformat(), "paid_on": paid_on.isoformat(),
            "today": (paid_on + timedelta(days=3)).isoformat(),
        }  # fmt: skip
    day = paid_on + timedelta(days=1)
    proposal = propose_reversal(disbursement_id=paid, now=watch(), returned_on=day, **facts)
    assert proposal.facts["returned_on"] == day.isoformat()
    approve(proposal_id=proposal.pk, approver=make_user(Role.APPROVER), digest=proposal.digest, now=watch())

    assert Reversal.objects.get().returned_at == datetime(day.year, day.month, day.day, tzinfo=UTC)
    entry = TrailEntry.objects.get(subject=f"disbursement:{paid}", action="reverse")
    assert entry.facts == {
        "return_kind": "bank_line", "return_reference": "VIR-2026-0043", "amount": 9_032, "currency": "XOF",
        "proposal": proposal.pk,
    }  # fmt: skip


def test_payment_to_us_proves_nothing_before_it_is_settled(
    node: SteeredRail, paid_in_sats: int, watch: Watch
) -> None:
    with unchanged(), pytest.raises(ReturnUnproven):
        propose_reversal(
            disbursement_id=paid_in_sats, kind=ReturnKind.INBOUND_PAYMENT, reference="ab" * 32,
            explanation="she pays it back", proposer=make_user(Role.FINANCE), now=watch(),
        )  # fmt: skip


def test_recipient_pays_the_money_back_over_lightning(
    node: SteeredRail, paid_in_sats: int, watch: Watch
) -> None:
    """99,000 sats were paid for 100,000; 99,000 arrive by the invoice, and the pot has its 100,000 sats again."""
    asked = request_return(disbursement_id=paid_in_sats, actor=BY, reason="sent twice", now=watch())
    again = request_return(disbursement_id=paid_in_sats, actor=BY, reason="sent twice", now=watch())
    assert (asked.amount, asked.reference) == (msat(99_000_000), again.reference)
    record_receipt(
        method=asked.method, reference=asked.reference, received=asked.amount, proof="00" * 32,
        received_at=watch(), now=watch(),
    )  # fmt: skip
    arrived, arrived_at = returns_account(paid_in_sats), watch()
    assert (owed(arrived), owed(POT)) == (99_000_000, 0)
    watch.advance(3_600)

    proposal = propose_reversal(
        disbursement_id=paid_in_sats, kind=ReturnKind.INBOUND_PAYMENT, reference=asked.reference,
        explanation="she paid it back", proposer=make_user(Role.FINANCE), now=watch(),
    )  # fmt: skip
    approve(proposal_id=proposal.pk, approver=make_user(Role.APPROVER), digest=proposal.digest, now=watch())

    assert (owed(arrived), owed(POT)) == (0, PAYOUT_MSAT)
    assert Reversal.objects.get().returned_at == arrived_at
    assert row_of(paid_in_sats).state == "reversed"
    assert breaches(watch) == []
    with pytest.raises(DisbursementNotReversible):
        request_return(disbursement_id=paid_in_sats, actor=BY, reason="again", now=watch())


def test_other_proof_is_refused_while_the_invoice_may_be_paid_or_is_paid(
    node: SteeredRail, paid_in_sats: int, watch: Watch
) -> None:
    asked = request_return(disbursement_id=paid_in_sats, actor=BY, reason="sent twice", now=watch())
    facts: dict[str, Any] = {"kind": ReturnKind.BANK_LINE, "reference": OUTPUT, "explanation": "sent back"}
    finance = make_user(Role.FINANCE)
    with unchanged(), pytest.raises(ReturnRequested) as refusal:
        propose_reversal(disbursement_id=paid_in_sats, proposer=finance, now=watch(), **facts)
    assert refusal.value.facts == {
        "disbursement_id": paid_in_sats, "collection_id": asked.id, "collection_state": "open",
    }  # fmt: skip

    cancel_collection(collection_id=asked.id, actor=BY, reason="paid on-chain", now=watch())
    proposal = propose_reversal(disbursement_id=paid_in_sats, proposer=finance, now=watch(), **facts)
    again = request_return(disbursement_id=paid_in_sats, actor=BY, reason="sent twice", now=watch())
    record_receipt(
        method=again.method, reference=again.reference, received=again.amount, proof="00" * 32,
        received_at=watch(), now=watch(),
    )  # fmt: skip
    with unchanged(), pytest.raises(ReturnRequested):
        approve(
            proposal_id=proposal.pk, approver=make_user(Role.APPROVER), digest=proposal.digest, now=watch()
        )


def test_invoice_that_was_opened_while_the_payment_was_reversed_is_cancelled(
    node: SteeredRail, paid_in_sats: int, lightning_collector: SteeredCollector, watch: Watch
) -> None:
    attempt = Attempt.objects.get()
    found = Reversed("reversal-1", attempt.order.money(attempt.order.amount), NOW)
    lightning_collector.meanwhile = lambda: book_provider_reversal(attempt.pk, found, now=watch())

    with pytest.raises(DisbursementNotReversible):
        request_return(disbursement_id=paid_in_sats, actor=BY, reason="sent twice", now=watch())

    request = Collection.objects.get(subject=f"return:{paid_in_sats}")
    assert (request.state, request.reference in lightning_collector.cancelled) == ("cancelled", True)
    assert breaches(watch) == []


def test_line_that_is_booked_as_a_movement_proves_no_return_and_the_reverse(
    node: SteeredRail, paid_in_sats: int, watch: Watch
) -> None:
    finance, approver, line = make_user(Role.FINANCE), make_user(Role.APPROVER), OUTPUT
    facts: dict[str, Any] = {"kind": ReturnKind.BANK_LINE, "explanation": "sent back", "proposer": finance}
    movement = treasury.propose(GAIN, now=watch(), reference=line)
    proposal = propose_reversal(disbursement_id=paid_in_sats, reference=line, now=watch(), **facts)
    treasury.approve(movement, now=watch())
    with unchanged(), pytest.raises(ReturnReferenceBooked) as refusal:
        approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=watch())
    assert refusal.value.facts["reference"] == line
    reject(proposal_id=proposal.pk, approver=approver, reason="it is a movement", now=watch())

    other = propose_reversal(disbursement_id=paid_in_sats, reference=OTHER_OUTPUT, now=watch(), **facts)
    approve(proposal_id=other.pk, approver=approver, digest=other.digest, now=watch())
    with unchanged(), pytest.raises(TreasuryReferenceReversed) as used:
        treasury.propose(GAIN, now=watch(), reference=OTHER_OUTPUT)
    assert used.value.facts == {"reference": OTHER_OUTPUT, "disbursement_id": paid_in_sats}


def test_movement_booked_by_a_transaction_stands_for_all_its_outputs(
    node: SteeredRail, paid_in_sats: int, watch: Watch
) -> None:
    treasury.approve(treasury.propose(GAIN, now=watch(), reference="ab" * 32), now=watch())

    with unchanged(), pytest.raises(ReturnReferenceBooked):
        propose_reversal(
            disbursement_id=paid_in_sats, kind=ReturnKind.BANK_LINE, reference=OUTPUT, explanation="sent back",
            proposer=make_user(Role.FINANCE), now=watch(),
        )  # fmt: skip


def test_francs_are_not_requested_back_by_an_invoice(
    francs: ScriptedFrancRail, paid: int, watch: Watch
) -> None:
    with unchanged(), pytest.raises(DisbursementNotReversible):
        request_return(disbursement_id=paid, actor=BY, reason="sent twice", now=watch())


def test_only_a_completed_payment_is_reversed(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered("awa")
    with unchanged(), pytest.raises(DisbursementNotReversible):
        propose_reversal(
            disbursement_id=disbursement_id, kind=ReturnKind.BANK_LINE, reference=OUTPUT,
            explanation="returned", proposer=make_user(Role.FINANCE), now=watch(),
        )  # fmt: skip
