"""Approved settlements are paid once: by the partner's rail, or by the bank."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ledger.queries import balance, owed, transaction_for
from ledger.services import post
from ledger.types import Line
from partners.enums import SettlementState, SettlementStatus
from partners.models import Settlement, SettlementBankPayment
from partners.models.settlement import REFERENCE_LENGTH
from partners.settlements.errors import (
    BankPaymentDateOutOfRange,
    BankPaymentIncomplete,
    EarlierSettlementUnpaid,
    ExecutorIsApprover,
    SettlementAccountChanged,
    SettlementAccountMissing,
    SettlementApprovalDiffers,
    SettlementFloatShort,
    SettlementMissing,
    SettlementNotPayable,
    SettlementNotRepeatable,
    SettlementReserveShort,
)
from partners.settlements.queries import settlement, settlements_summary, unsettled_xof
from partners.settlements.services.payments import (
    Approved,
    BankEvidence,
    execute_settlement,
    record_bank_payment,
)
from partners.settlements.services.windows import propose_again
from sunusav.core import approvals
from sunusav.core.attachments import attachments_of
from sunusav.core.models import TrailEntry, User
from sunusav.core.roles import Role
from sunusav.core.switches import OutgoingPaused, pause_outgoing
from sunusav.core.uploads import AttachmentTypeUnknown
from tests.factories.attachments import HTML, upload
from tests.factories.floats import looked_at
from tests.factories.settlements import (
    BY,
    ON_THE_FIRST,
    account_in_use,
    accrue,
    approved,
    closed,
    rate_of,
    worked_example,
)
from tests.factories.statements import imported, make_format
from tests.factories.treasury import BANK, WAVE, book, opening, propose
from tests.factories.users import make_user
from tests.fakes.franc_rail import ScriptedFrancRail, ScriptedWaveRail
from tests.transfers.builders import run, settle
from tests.transfers.rails import Watch
from tests.transfers.unchanged import unchanged
from transfers.booking import IN_TRANSIT
from transfers.enums import FailureClass, ReturnKind, TreasuryKind
from transfers.models import Attempt, Disbursement, PaymentOrder
from transfers.services.disbursements import cancel_disbursement
from transfers.services.return_proofs import require_reference_free
from transfers.statements.sources import moved_within
from transfers.treasury_errors import BankLineBooked, TreasuryAccountShort, TreasuryReferenceUsed
from transfers.types import Movement, NotSeen, Refused, Unknown
from transfers.types.accounts import POSITION_MSAT, POSITION_XOF, partner_reserve

pytestmark = pytest.mark.django_db

RESERVE, FLOAT = partner_reserve("wave"), ScriptedWaveRail.account
DAY = date(2026, 11, 1)


@pytest.fixture
def watch() -> Watch:
    return Watch(ON_THE_FIRST)


@pytest.fixture
def ready(finance: User) -> tuple[Settlement, Approved]:
    """A settlement of 247 francs, approved, to a registered account."""
    rate_of("8000000")
    worked_example()
    account_in_use()
    row = closed(proposer=finance)
    return row, approved(row)


def execute(ready: tuple[Settlement, Approved], user: User, **changes: Any) -> None:
    row, seen = ready
    execute_settlement(
        **{"settlement_id": row.pk, "seen": seen, "user": user, "now": ON_THE_FIRST, **changes}
    )


def line_of_bank(**changes: Any) -> BankEvidence:
    facts: dict[str, Any] = {
        "reference": "BICIS-2026-11-02-7", "paid_on": DAY, "explanation": "transfer to Wave", "document": upload(),
    }  # fmt: skip
    return BankEvidence(**{**facts, **changes})


def pay_by_bank(
    ready: tuple[Settlement, Approved],
    user: User,
    now: datetime = ON_THE_FIRST,
    changes: dict[str, Any] | None = None,
) -> None:
    row, seen = ready
    record_bank_payment(
        settlement_id=row.pk, seen=seen, evidence=line_of_bank(**changes or {}), user=user, now=now
    )


def fund_bank(amount_xof: int = 10_000) -> None:
    book(opening(BANK, amount_xof), now=ON_THE_FIRST, happened_on=date(2026, 10, 1))


def test_settlement_is_paid_in_whole_francs_and_its_sats_leave_the_reserve(
    ready: tuple[Settlement, Approved], finance: User, wave: ScriptedFrancRail, watch: Watch
) -> None:
    execute(ready, finance)
    assert settlement(ready[0].pk).status == SettlementStatus.PROCESSING
    assert (owed(RESERVE), owed(IN_TRANSIT)) == (11_500, 3_087_500), "reserved before it is promised"

    run(watch)

    facts = settlement(ready[0].pk)
    assert (facts.status, facts.executed_at) == (SettlementStatus.COMPLETED, ON_THE_FIRST)
    assert list(wave.paid.values()) == [247]
    assert wave.phones == ["+221771234567"]
    assert (owed(RESERVE), owed(IN_TRANSIT), balance(FLOAT)) == (11_500, 0, -252)
    assert (balance(POSITION_MSAT), balance(POSITION_XOF)) == (-3_087_500, 247)
    assert unsettled_xof("wave") == 0


def test_executing_again_pays_nothing_more(
    ready: tuple[Settlement, Approved], finance: User, wave: ScriptedFrancRail, watch: Watch
) -> None:
    execute(ready, finance)
    with unchanged(), pytest.raises(SettlementNotPayable):
        execute(ready, finance)
    run(watch)
    with unchanged(), pytest.raises(SettlementNotPayable):
        execute(ready, finance)
    assert wave.sends == 1


def test_settlement_that_nobody_approved_is_not_paid(finance: User) -> None:
    rate_of("8000000")
    worked_example()
    account_in_use()
    row = closed()
    facts = settlement(row.pk)
    assert facts.proposal_id
    with unchanged(), pytest.raises(SettlementNotPayable):
        execute((row, Approved(facts.proposal_id, facts.digest)), finance)


def test_executor_sends_what_was_approved(ready: tuple[Settlement, Approved], finance: User) -> None:
    row, seen = ready
    for other in (Approved(seen.proposal_id + 1, seen.digest), Approved(seen.proposal_id, "0" * 64)):
        with unchanged(), pytest.raises(SettlementApprovalDiffers):
            execute((row, other), finance)
    with unchanged(), pytest.raises(SettlementMissing):
        execute(ready, finance, settlement_id=row.pk + 1)


def test_approver_does_not_execute_whatever_their_rights() -> None:
    rate_of("8000000")
    worked_example()
    account_in_use()
    row = closed()
    root = make_user(Role.APPROVER, username="root", is_superuser=True)
    seen = approved(row, approver=root)
    with unchanged(), pytest.raises(ExecutorIsApprover):
        execute((row, seen), root)


def test_float_below_what_is_due_sends_nothing_and_names_what_is_missing(
    ready: tuple[Settlement, Approved], finance: User, wave: ScriptedFrancRail
) -> None:
    looked_at("wave", 200, at=ON_THE_FIRST)
    with unchanged(), pytest.raises(SettlementFloatShort) as refused:
        execute(ready, finance)
    assert refused.value.facts == {
        "settlement_id": str(ready[0].pk), "due_xof": 247, "available_xof": 200, "missing_xof": 47,
    }  # fmt: skip
    assert (wave.sends, Disbursement.objects.count()) == (0, 0)


def test_nothing_is_executed_while_outgoing_money_is_paused(
    ready: tuple[Settlement, Approved], finance: User
) -> None:
    pause_outgoing(actor=BY, reason="look first", now=ON_THE_FIRST)
    with unchanged(), pytest.raises(OutgoingPaused):
        execute(ready, finance)


def test_account_that_was_not_approved_is_not_paid(ready: tuple[Settlement, Approved], finance: User) -> None:
    account_in_use("+221779998877")
    with unchanged(), pytest.raises(SettlementAccountChanged):
        execute(ready, finance)


def test_partner_without_an_account_is_paid_by_the_bank_only(finance: User) -> None:
    rate_of("8000000")
    worked_example()
    row = closed()
    ready = row, approved(row)
    with unchanged(), pytest.raises(SettlementAccountMissing):
        execute(ready, finance)
    fund_bank()
    pay_by_bank(ready, finance)
    assert settlement(row.pk).status == SettlementStatus.COMPLETED


def test_settlements_are_paid_in_their_order(
    ready: tuple[Settlement, Approved], finance: User, watch: Watch
) -> None:
    accrue(1_000_000, at=ON_THE_FIRST)
    later = ON_THE_FIRST + timedelta(days=31)
    november = closed(now=later)
    seen = approved(november, now=later)
    with unchanged(), pytest.raises(EarlierSettlementUnpaid) as refused:
        execute((november, seen), finance, now=later)
    assert refused.value.earlier_id == str(ready[0].pk)

    execute(ready, finance)
    run(watch)
    execute((november, seen), finance, now=later)
    assert settlement(november.pk).status == SettlementStatus.PROCESSING


def test_reserve_that_was_taken_back_meanwhile_is_not_promised(
    ready: tuple[Settlement, Approved], finance: User
) -> None:
    post(
        kind="taken_back_for_test", reference="back", lines=[Line(RESERVE, 20_000), Line(IN_TRANSIT, -20_000)],
        at=ON_THE_FIRST, subject="test",
    )  # fmt: skip
    with unchanged(), pytest.raises(SettlementReserveShort) as refused:
        execute(ready, finance)
    assert (refused.value.needed_msat, refused.value.available_msat) == (3_087_500, 3_079_000)


# Failures and retries


def test_final_failure_is_retried_under_the_same_settlement_with_a_new_reference(
    ready: tuple[Settlement, Approved], finance: User, wave: ScriptedFrancRail, watch: Watch
) -> None:
    wave.script.append(Refused("recipient-blocked", FailureClass.FINAL))
    execute(ready, finance)
    run(watch)
    settle(watch)
    assert settlement(ready[0].pk).status == SettlementStatus.FAILED
    assert owed(RESERVE) == 11_500, "it stays held while it failed"

    execute(ready, finance, now=watch())
    run(watch)

    assert settlement(ready[0].pk).status == SettlementStatus.COMPLETED
    assert Disbursement.objects.count() == 1
    references = list(PaymentOrder.objects.order_by("pk").values_list("reference", flat=True))
    assert len(references) == len(set(references)) == 2
    assert list(wave.paid.values()) == [247]


def test_unknown_outcome_keeps_its_reference(
    ready: tuple[Settlement, Approved], finance: User, wave: ScriptedFrancRail, watch: Watch
) -> None:
    wave.script.append(Unknown(seen=False, reason="timeout"))
    wave.finds.append(NotSeen(source="franc-account"))
    execute(ready, finance)
    run(watch)
    assert settlement(ready[0].pk).status == SettlementStatus.PROCESSING
    with unchanged(), pytest.raises(SettlementNotPayable):
        execute(ready, finance, now=watch())

    for _ in range(4):
        watch.advance(600)
        run(watch)

    assert settlement(ready[0].pk).status == SettlementStatus.COMPLETED
    assert (PaymentOrder.objects.count(), Attempt.objects.count()) == (1, 1)
    assert list(wave.paid.values()) == [247]


def test_statement_of_the_bank_has_the_line_that_paid_a_settlement(
    ready: tuple[Settlement, Approved], finance: User
) -> None:
    fund_bank()
    pay_by_bank(ready, finance)
    make_format(now=ON_THE_FIRST, source="bank")
    days: dict[str, Any] = {"source": "bank", "since": DAY, "through": DAY}
    (expected,) = moved_within("bank", since=DAY, through=DAY)
    assert (expected.amount_xof, expected.subject) == (Decimal(-247), f"settlement:{ready[0].pk}")

    done = imported(("BICIS-2026-11-02-7", "-247", "2026-11-01"), now=ON_THE_FIRST, **days)

    assert done.found == {"matched": 1}
    assert moved_within("bank", since=DAY - timedelta(days=9), through=DAY - timedelta(days=1)) == []


def test_cancelled_payment_leaves_an_approved_settlement(
    ready: tuple[Settlement, Approved], finance: User, wave: ScriptedFrancRail, watch: Watch
) -> None:
    execute(ready, finance)
    payment = Disbursement.objects.get()
    cancel_disbursement(disbursement_id=payment.pk, actor=BY, reason="not today", now=ON_THE_FIRST)
    assert settlement(ready[0].pk).status == SettlementStatus.APPROVED
    assert owed(RESERVE) == 3_099_000

    execute(ready, finance)
    run(watch)
    assert settlement(ready[0].pk).status == SettlementStatus.COMPLETED
    assert wave.sends == 1


def test_failed_payment_to_a_replaced_account_is_cancelled_and_approved_again(
    ready: tuple[Settlement, Approved], finance: User, wave: ScriptedFrancRail, watch: Watch
) -> None:
    wave.script.append(Refused("recipient-blocked", FailureClass.FINAL))
    execute(ready, finance)
    run(watch)
    settle(watch)
    row = ready[0]
    with unchanged(), pytest.raises(SettlementNotRepeatable):
        propose_again(settlement_id=row.pk, proposer=finance, reason="why not", now=watch())
    account_in_use("+221779998877", now=watch())
    with unchanged(), pytest.raises(SettlementAccountChanged):
        execute(ready, finance, now=watch())

    propose_again(settlement_id=row.pk, proposer=finance, reason="a new account", now=watch())

    assert settlement(row.pk).status == SettlementStatus.PENDING
    assert (Disbursement.objects.get().state, owed(RESERVE)) == ("cancelled", 3_099_000)
    execute((row, approved(row, now=watch())), finance, now=watch())
    run(watch)
    assert (settlement(row.pk).status, wave.phones) == (SettlementStatus.COMPLETED, ["+221779998877"])


def test_reason_of_the_executor_is_in_the_trail(ready: tuple[Settlement, Approved], finance: User) -> None:
    execute(ready, finance, reason="letter of 2 November")
    assert TrailEntry.objects.get(action="execute").reason == "letter of 2 November"


# The bank


def test_bank_payment_settles_with_its_reference(ready: tuple[Settlement, Approved], finance: User) -> None:
    fund_bank()
    pay_by_bank(ready, finance)

    row = Settlement.objects.get()
    assert (row.state, row.completed_at) == (SettlementState.SETTLED, ON_THE_FIRST)
    paid = SettlementBankPayment.objects.get()
    assert (paid.settlement, paid.reference, paid.recorder) == (row, "BICIS-2026-11-02-7", finance)
    assert (owed(RESERVE), balance(BANK)) == (11_500, 9_753)
    assert (balance(POSITION_MSAT), balance(POSITION_XOF)) == (-3_087_500, 247)
    assert (
        TrailEntry.objects.filter(subject=f"settlement:{row.pk}", action="record_bank_payment").count() == 1
    )
    with unchanged(), pytest.raises(SettlementNotPayable):
        pay_by_bank(ready, finance)


def test_bank_payment_after_a_failure_cancels_the_payment(
    ready: tuple[Settlement, Approved], finance: User, wave: ScriptedFrancRail, watch: Watch
) -> None:
    fund_bank()
    wave.script.append(Refused("recipient-blocked", FailureClass.FINAL))
    execute(ready, finance)
    run(watch)
    settle(watch)

    pay_by_bank(ready, finance, now=watch())

    assert settlement(ready[0].pk).status == SettlementStatus.COMPLETED
    assert Disbursement.objects.get().state == "cancelled"
    assert (owed(RESERVE), owed(IN_TRANSIT), wave.paid) == (11_500, 0, {})


def test_bank_payment_while_a_payment_may_be_paid_is_refused(
    ready: tuple[Settlement, Approved], finance: User
) -> None:
    fund_bank()
    execute(ready, finance)
    with unchanged(), pytest.raises(SettlementNotPayable):
        pay_by_bank(ready, finance)


def test_each_line_of_the_bank_is_booked_once(ready: tuple[Settlement, Approved], finance: User) -> None:
    fund_bank()
    movement = Movement(TreasuryKind.CAPITAL_DEPOSIT, BANK, 5)
    book(movement, now=ON_THE_FIRST, reference=line_of_bank().reference, happened_on=date(2026, 10, 1))
    with unchanged(), pytest.raises(TreasuryReferenceUsed):
        pay_by_bank(ready, finance)

    pay_by_bank(ready, finance, changes={"reference": " BICIS  8"})
    assert SettlementBankPayment.objects.get().reference == "BICIS 8"
    with unchanged(), pytest.raises(BankLineBooked):
        propose(opening(WAVE, 1_000), now=ON_THE_FIRST, reference="BICIS 8", happened_on=date(2026, 10, 1))


@pytest.mark.parametrize("missing", ["reference", "explanation", "document"])
def test_bank_payment_without_its_evidence_is_refused(
    ready: tuple[Settlement, Approved], finance: User, missing: str
) -> None:
    with unchanged(), pytest.raises(BankPaymentIncomplete):
        pay_by_bank(ready, finance, changes={missing: None if missing == "document" else "  "})


def test_longest_reference_of_a_bank_fits_the_books(
    ready: tuple[Settlement, Approved], finance: User
) -> None:
    fund_bank()
    longest = "B" * REFERENCE_LENGTH
    pay_by_bank(ready, finance, changes={"reference": longest})
    assert transaction_for(f"bank_line:{longest}") is not None


def test_line_of_the_bank_proves_no_return(ready: tuple[Settlement, Approved], finance: User) -> None:
    fund_bank()
    pay_by_bank(ready, finance)
    with unchanged(), pytest.raises(BankLineBooked):
        require_reference_free(ReturnKind.BANK_LINE, line_of_bank().reference)


def test_document_of_the_bank_is_kept_with_the_settlement(
    ready: tuple[Settlement, Approved], finance: User
) -> None:
    fund_bank()
    with unchanged(), pytest.raises(AttachmentTypeUnknown):
        pay_by_bank(ready, finance, changes={"document": upload("line.pdf", HTML)})
    pay_by_bank(ready, finance)

    kept = attachments_of(f"settlement:{ready[0].pk}").get()
    entry = TrailEntry.objects.get(action="record_bank_payment")
    assert (kept.name, kept.added_by, kept.sha256) == ("statement.pdf", finance, entry.facts["sha256"])


@pytest.mark.parametrize("days", [-1, 1])
def test_bank_payment_before_the_approval_or_after_today_is_refused(
    ready: tuple[Settlement, Approved], finance: User, days: int
) -> None:
    fund_bank()
    with unchanged(), pytest.raises(BankPaymentDateOutOfRange):
        pay_by_bank(ready, finance, changes={"paid_on": DAY + timedelta(days=days)})


def test_bank_without_the_money_pays_nothing(ready: tuple[Settlement, Approved], finance: User) -> None:
    fund_bank(200)
    with unchanged(), pytest.raises(TreasuryAccountShort):
        pay_by_bank(ready, finance)


# Summary


def test_summary_counts_by_state_and_partner(
    ready: tuple[Settlement, Approved], finance: User, watch: Watch
) -> None:
    accrue(100_000, partner="orange")
    rejected = closed(partner="orange")
    facts = settlement(rejected.pk)
    assert facts.proposal_id
    approvals.reject(
        proposal_id=facts.proposal_id, approver=make_user(Role.APPROVER), reason="no", now=ON_THE_FIRST
    )
    execute(ready, finance)
    run(watch)

    found = settlements_summary()

    assert (found.total.count, found.total.amount_xof, found.total.amount_sats) == (2, 271, 3_399)
    assert {name: one.count for name, one in found.by_status.items()} == {
        "pending": 0, "approved": 0, "processing": 0, "completed": 1, "failed": 0, "rejected": 1,
    }  # fmt: skip
    assert {name: one.amount_xof for name, one in found.by_partner.items()} == {"orange": 24, "wave": 247}
    assert settlements_summary("orange").total.amount_xof == 24
