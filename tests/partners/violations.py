"""Rows that break the constraints of the inbox, of minimum floats and of settlements."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from fees.models import FeeRecord
from ledger.models import JournalTransaction
from partners.models import (
    AdoptedFloatMinimum,
    AdoptedSettlementAccount,
    ApprovedSettlement,
    ContestedLine,
    FloatMinimum,
    InboundWebhook,
    LineAnswer,
    Settlement,
    SettlementAccount,
    SettlementBankPayment,
)
from partners.settlements.services.contests import answer_contested_line
from partners.settlements.services.payments import BankEvidence, record_bank_payment
from sunusav.core.roles import Role
from tests.factories.attachments import upload
from tests.factories.floats import adopt_minimum, proposed_minimum
from tests.factories.settlements import another_partner, approved, closed, contested, rate_of, worked_example
from tests.factories.treasury import BANK, book
from tests.factories.users import make_user
from tests.support.constraints import Violation, copy_of
from transfers.enums import TreasuryKind
from transfers.types import Movement

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)
IN_FEBRUARY = NOW - 10 * DAY


def delivery() -> InboundWebhook:
    return InboundWebhook.objects.create(
        partner="wave", event_key="AE_1", authenticity="signature", received_at=NOW, follow_at=NOW
    )


def adopted_minimum() -> AdoptedFloatMinimum:
    return adopt_minimum(proposed_minimum(now=NOW), now=NOW)


def minimum() -> FloatMinimum:
    return adopted_minimum().minimum


def settlement() -> Settlement:
    rate_of("8000000", at=IN_FEBRUARY)
    worked_example(at=IN_FEBRUARY)
    return closed(now=NOW)


def following() -> Settlement:
    """Return the second settlement of a partner."""
    settlement()
    return closed(now=NOW + 30 * DAY)


def adopted_account() -> AdoptedSettlementAccount:
    another_partner(at=IN_FEBRUARY, now=NOW)
    return AdoptedSettlementAccount.objects.latest("pk")


def account() -> SettlementAccount:
    return adopted_account().account


def another_account(row: AdoptedSettlementAccount, **changes: Any) -> dict[str, Any]:
    copied = copy_of(row.account)
    copied.save(force_insert=True)
    return {**another_proposal(row), "account_id": copied.pk, **changes}


def another_proposal(row: Any) -> dict[str, Any]:
    copied = copy_of(row.proposal)
    copied.save(force_insert=True)
    return {"proposal_id": copied.pk}


def approval() -> ApprovedSettlement:
    approved(settlement(), now=NOW)
    return ApprovedSettlement.objects.get()


def bank_payment() -> SettlementBankPayment:
    row = settlement()
    seen = approved(row, now=NOW)
    book(Movement(TreasuryKind.CAPITAL_DEPOSIT, BANK, 10_000), now=NOW)
    return record_bank_payment(
        settlement_id=row.pk, seen=seen, evidence=BankEvidence("a", NOW.date(), "transfer", upload()),
        user=make_user(Role.FINANCE), now=NOW,
    )  # fmt: skip


def another_payment(row: SettlementBankPayment, **changes: Any) -> dict[str, Any]:
    """Return the changes that make a copy the payment of another settlement, by another line of the bank."""
    copied = copy_of(row.settlement, partner="other")
    copied.save(force_insert=True)
    other = JournalTransaction.objects.exclude(pk=row.transaction_id).latest("pk")
    return {"settlement_id": copied.pk, "transaction_id": other.pk, "reference": "another", **changes}


def contested_line() -> ContestedLine:
    return contested(settlement(), now=NOW)


def another_line(row: ContestedLine, **changes: Any) -> dict[str, Any]:
    """Return the changes that make a copy about another fee record."""
    return {"fee_record_id": FeeRecord.objects.exclude(pk=row.fee_record_id).latest("pk").pk, **changes}


def line_answer() -> LineAnswer:
    return answer_contested_line(
        line_id=contested_line().pk,
        is_upheld=False,
        answer="as booked",
        user=make_user(Role.FINANCE),
        now=NOW,
    )


def another_answer(row: LineAnswer, **changes: Any) -> dict[str, Any]:
    copied = copy_of(row.line, **another_line(row.line))
    copied.save(force_insert=True)
    return {"line_id": copied.pk, **changes}


def another(row: AdoptedFloatMinimum, **changes: Any) -> dict[str, Any]:
    """Return the changes that make a copy the adoption of another minimum, by another proposal."""
    copies = {"minimum_id": copy_of(row.minimum), "proposal_id": copy_of(row.proposal)}
    for copied in copies.values():
        copied.save(force_insert=True)
    return {**{name: copied.pk for name, copied in copies.items()}, **changes}


VIOLATIONS = [
    Violation("inboundwebhook_event_stored_once", delivery, {"kind": "other"}),
    Violation("inboundwebhook_event_is_named", delivery, {"event_key": ""}),
    Violation("inboundwebhook_authenticity_is_known", delivery, {"event_key": "b", "authenticity": "none"}),
    Violation(
        "inboundwebhook_handled_has_outcome",
        delivery,
        {"event_key": "b", "follow_at": None, "handled_at": NOW},
    ),
    Violation("floatminimum_is_not_negative", minimum, {"minimum_xof": -1}),
    Violation("floatminimum_has_reason", minimum, {"reason": ""}),
    Violation(
        "adoptedfloatminimum_four_eyes",
        adopted_minimum,
        lambda row: another(row, approver_id=row.proposer_id),
    ),
    Violation(
        "partners_adoptedfloatminimum.minimum_id",
        adopted_minimum,
        lambda row: another(row, minimum_id=row.minimum_id),
    ),
    Violation(
        "partners_adoptedfloatminimum.proposal_id",
        adopted_minimum,
        lambda row: another(row, proposal_id=row.proposal_id),
    ),
    Violation("settlement_window_numbered_once", settlement, {"period_start": NOW, "period_end": NOW + DAY}),
    Violation(
        "settlement_window_settled_once", settlement, lambda row: {"sequence": 2, "previous_id": row.pk}
    ),
    Violation("settlement_follows_the_window_before", settlement, {"partner": "other", "sequence": 2}),
    Violation(
        "settlement_window_has_length",
        settlement,
        lambda row: {"partner": "other", "period_end": row.period_start},
    ),
    Violation(
        "settlement_residue_is_below_a_franc", settlement, {"partner": "other", "residue_xof": Decimal(1)}
    ),
    Violation(
        "settlement_due_takes_from_the_reserve",
        settlement,
        {"partner": "other", "settled_msat": 0, "residue_msat": 3_099_000},
    ),
    Violation("settlement_msat_sum_up", settlement, {"partner": "other", "accrued_sats": 3_100}),
    Violation("settlement_state_is_known", settlement, {"partner": "other", "state": "paid"}),
    Violation("settlement_settled_has_moment", settlement, {"partner": "other", "state": "settled"}),
    Violation(
        "settlement_of_nothing_is_settled",
        settlement,
        {"partner": "other", "due_xof": 0, "settled_msat": 0, "residue_msat": 3_099_000},
    ),
    Violation(
        "partners_settlement.previous_id",
        following,
        {"sequence": 3, "period_start": NOW, "period_end": NOW + DAY},
    ),
    Violation("settlementaccount_has_holder_and_reason", account, {"holder": ""}),
    Violation(
        "adoptedsettlementaccount_four_eyes",
        adopted_account,
        lambda row: another_account(row, approver_id=row.proposer_id),
    ),
    Violation(
        "partners_adoptedsettlementaccount.account_id",
        adopted_account,
        lambda row: another_account(row, account_id=row.account_id),
    ),
    Violation(
        "partners_adoptedsettlementaccount.proposal_id",
        adopted_account,
        lambda row: another_account(row, proposal_id=row.proposal_id),
    ),
    Violation(
        "approvedsettlement_four_eyes",
        approval,
        lambda row: {**another_proposal(row), "approver_id": row.proposer_id},
    ),
    Violation("partners_approvedsettlement.proposal_id", approval, {}),
    Violation(
        "settlementbankpayment_has_evidence", bank_payment, lambda row: another_payment(row, explanation="")
    ),
    Violation(
        "partners_settlementbankpayment.reference",
        bank_payment,
        lambda row: another_payment(row, reference=row.reference),
    ),
    Violation(
        "partners_settlementbankpayment.settlement_id",
        bank_payment,
        lambda row: another_payment(row, settlement_id=row.settlement_id),
    ),
    Violation(
        "partners_settlementbankpayment.transaction_id",
        bank_payment,
        lambda row: another_payment(row, transaction_id=row.transaction_id),
    ),
    Violation("contestedline_has_reason", contested_line, lambda row: another_line(row, reason="")),
    Violation(
        "contestedline_once_per_statement",
        contested_line,
        lambda row: another_line(row, fee_record_id=row.fee_record_id),
    ),
    Violation("lineanswer_has_text", line_answer, lambda row: another_answer(row, answer="")),
    Violation("partners_lineanswer.line_id", line_answer, {}),
]
