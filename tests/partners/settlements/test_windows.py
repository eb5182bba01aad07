"""Which fees a window takes, and when it is closed, proposed and proposed again."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from fees.accrual_queries import accrued_in
from fees.models import FeeRecord
from fees.services import reverse_fee
from partners.enums import SettlementState, SettlementStatus
from partners.models import ApprovedSettlement, Settlement
from partners.settlements.errors import (
    NothingAccrued,
    SettlementNotRepeatable,
    SettlementPartnerUnknown,
    WindowNotEnded,
    WindowOutOfOrder,
)
from partners.settlements.queries import all_due, due_windows, previewed, settlement, span_of, unsettled_xof
from partners.settlements.services.windows import close_window, propose_again
from sunusav.core import approvals
from sunusav.core.approvals import ApproverIsProposer, NotAllowedToDecide, ProposalFactsChanged
from sunusav.core.models import Proposal, TrailEntry, User
from sunusav.core.roles import Role
from tests.factories.settlements import (
    BY,
    IN_OCTOBER,
    ON_THE_FIRST,
    account_in_use,
    accrue,
    approved,
    closed,
    rate_of,
    worked_example,
)
from tests.factories.users import make_user
from tests.transfers.unchanged import unchanged

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
NOVEMBER_1, DECEMBER_1 = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rate", "due_xof", "residue"), [("8000000", 247, "0.92"), ("9123457", 282, "0.73593243")]
)
def test_window_pays_whole_francs_at_the_booked_rate_and_carries_the_rest(
    rate: str, due_xof: int, residue: str
) -> None:
    rate_of(rate)
    worked_example()

    row = closed()

    row.refresh_from_db()
    assert (row.records, row.accrued_sats, row.due_xof) == (5, 3_099, due_xof)
    assert row.residue_xof == Decimal(residue)
    assert (row.period_start, row.period_end) == (datetime(2026, 10, 1, tzinfo=UTC), NOVEMBER_1)
    assert settlement(row.pk).status == SettlementStatus.PENDING
    facts = Proposal.objects.get(kind="settlement").facts
    assert (facts["due_xof"], facts["accrued_sats"], facts["fee_records"]) == (due_xof, 3_099, 5)


def test_each_fee_is_worth_its_own_booked_rate() -> None:
    rate_of("8000000")
    accrue(1_000_000)
    rate_of("9123457", at=IN_OCTOBER + timedelta(days=1))
    accrue(1_000_000, at=IN_OCTOBER + timedelta(days=1))

    # 3,000 sats are 240 francs at 8,000,000 and 273.70371 at 9,123,457.
    assert closed().accrued_xof == Decimal("513.70371")


def test_windows_are_half_open_months_by_our_booking() -> None:
    rate_of("8000000")
    microsecond = timedelta(microseconds=1)
    accrue(1_000_000, at=NOVEMBER_1 - microsecond)
    accrue(100_000, at=NOVEMBER_1)

    october = closed(now=NOVEMBER_1 + 3 * HOUR)
    november = closed(now=DECEMBER_1 + 3 * HOUR)

    assert (october.accrued_sats, november.accrued_sats) == (3_000, 300)
    assert (november.previous_id, november.period_start) == (october.pk, october.period_end)


def test_fee_that_is_recorded_after_its_window_closed_joins_the_next_one() -> None:
    rate_of("8000000")
    accrue(1_000_000)
    october = closed()

    late = accrue(100_000, at=IN_OCTOBER)
    november = closed(now=DECEMBER_1 + 3 * HOUR)

    assert late > october.through_record_id
    assert (october.accrued_sats, november.accrued_sats) == (3_000, 300)
    for row in (october, november):
        assert accrued_in("wave", span_of(row)).amount_sats == row.accrued_sats


def test_fee_of_the_hour_that_may_still_commit_is_of_the_next_window_by_its_date() -> None:
    rate_of("8000000")
    accrue(1_000_000)
    close_at = NOVEMBER_1 + HOUR
    fresh = accrue(100_000, at=NOVEMBER_1)

    october = closed(now=close_at)

    assert october.through_record_id == fresh
    assert (october.accrued_sats, closed(now=DECEMBER_1 + HOUR).accrued_sats) == (3_000, 300)


def test_reversal_counts_in_the_month_in_which_it_is_booked() -> None:
    rate_of("8000000")
    record = accrue(1_000_000)
    accrue(100_000)
    october = closed()
    reverse_fee(record_id=record, actor=BY, reason="the money came back", now=NOVEMBER_1 + timedelta(days=9))

    november = closed(now=DECEMBER_1 + 3 * HOUR)

    assert (october.accrued_sats, november.accrued_sats) == (3_300, -3_000)
    assert (november.due_xof, november.state) == (0, SettlementState.SETTLED)
    # October's 264 francs have nothing left over; 240 are taken back from what comes.
    assert (november.residue_xof, november.residue_msat) == (Decimal(-240), -3_000_000)


def test_window_of_nothing_completes_without_a_proposal() -> None:
    rate_of("8000000")
    accrue(1_000)  # a share of 3 sats: 0.24 francs

    row = closed()

    assert (row.due_xof, row.residue_xof) == (0, Decimal("0.24"))
    assert settlement(row.pk).status == SettlementStatus.COMPLETED
    assert settlement(row.pk).executed_at == ON_THE_FIRST
    assert not Proposal.objects.filter(kind="settlement").exists()


def test_empty_month_is_a_window_of_its_own() -> None:
    rate_of("8000000")
    worked_example()
    closed()

    november = closed(now=DECEMBER_1 + 3 * HOUR)

    assert (november.records, november.carried_xof, november.residue_xof) == (
        0,
        Decimal("0.92"),
        Decimal("0.92"),
    )


def test_partners_have_windows_of_their_own() -> None:
    rate_of("8000000")
    worked_example()
    accrue(100_000, partner="orange", at=datetime(2026, 9, 30, tzinfo=UTC))

    assert closed().accrued_sats == 3_099
    first, second = closed(partner="orange"), closed(partner="orange")
    assert [(row.accrued_sats, row.period_start.month) for row in (first, second)] == [(300, 9), (0, 10)]


def test_window_cannot_be_closed_before_its_last_bookings_have_committed(finance: User) -> None:
    rate_of("8000000")
    worked_example()
    with unchanged(), pytest.raises(WindowNotEnded) as refused:
        close_window(partner="wave", proposer=finance, now=NOVEMBER_1 + HOUR - timedelta(seconds=1))

    assert refused.value.closable_at == NOVEMBER_1 + HOUR
    assert close_window(partner="wave", proposer=finance, now=NOVEMBER_1 + HOUR).due_xof == 247


def test_windows_are_closed_in_their_order(finance: User) -> None:
    rate_of("8000000")
    worked_example()
    with unchanged(), pytest.raises(WindowOutOfOrder) as refused:
        close_window(partner="wave", proposer=finance, now=DECEMBER_1 + 3 * HOUR, starting_at=NOVEMBER_1)
    assert refused.value.next_start == datetime(2026, 10, 1, tzinfo=UTC)


def test_partner_without_fees_or_outside_the_directory_is_refused(finance: User) -> None:
    with unchanged(), pytest.raises(NothingAccrued):
        close_window(partner="wave", proposer=finance, now=ON_THE_FIRST)
    with unchanged(), pytest.raises(SettlementPartnerUnknown):
        close_window(partner="nobody", proposer=finance, now=ON_THE_FIRST)


def test_people_without_the_right_close_no_window(approver: User) -> None:
    rate_of("8000000")
    worked_example()
    with pytest.raises(NotAllowedToDecide):
        close_window(partner="wave", proposer=approver, now=ON_THE_FIRST)
    assert not Settlement.objects.exists()


def test_preview_shows_what_closing_would_store_and_stores_nothing() -> None:
    rate_of("8000000")
    worked_example()
    accrue(100_000, at=NOVEMBER_1)
    now = DECEMBER_1 + 3 * HOUR

    with unchanged():
        found = [
            (window.start.month, closing.due_xof, closing.residue_xof)
            for window, closing in previewed("wave", now=now)
        ]

    assert found == [(10, 247, Decimal("0.92")), (11, 24, Decimal("0.92"))]
    closed(now=now)
    assert [(one.partner, [w.start.month for w in one.windows]) for one in all_due(now=now)] == [
        ("wave", [11])
    ]
    assert closed(now=now).due_xof == 24
    assert (due_windows("wave", now=now), all_due(now=now)) == ((), [])


# Decisions


def test_second_person_approves_a_settlement(finance: User, approver: User) -> None:
    rate_of("8000000")
    worked_example()
    account = account_in_use()
    row = closed(proposer=finance)

    approved(row, approver=approver)

    assert settlement(row.pk).status == SettlementStatus.APPROVED
    stored = ApprovedSettlement.objects.get()
    assert (stored.proposer, stored.approver, stored.account) == (finance, approver, account)
    actions = TrailEntry.objects.filter(subject=f"settlement:{row.pk}").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == [
        "close_window",
        "propose",
        "approve",
        "approved",
    ]


def test_proposer_cannot_approve_even_as_superuser() -> None:
    rate_of("8000000")
    worked_example()
    root = make_user(Role.FINANCE, username="root", is_superuser=True)
    row = closed(proposer=root)
    with unchanged(), pytest.raises(ApproverIsProposer):
        approved(row, approver=root)


def test_change_of_the_account_voids_a_proposal(approver: User) -> None:
    rate_of("8000000")
    worked_example()
    account_in_use()
    row = closed()
    account_in_use("+221779998877")

    with pytest.raises(ProposalFactsChanged):
        approved(row, approver=approver)


def test_rejected_settlement_is_proposed_again_with_what_accrued_first(finance: User, approver: User) -> None:
    rate_of("8000000")
    worked_example()
    row = closed()
    facts = settlement(row.pk)
    assert facts.proposal_id
    approvals.reject(
        proposal_id=facts.proposal_id, approver=approver, reason="call them first", now=ON_THE_FIRST
    )
    assert settlement(row.pk).status == SettlementStatus.REJECTED
    accrue(100_000)

    propose_again(settlement_id=row.pk, proposer=finance, reason="they agree", now=ON_THE_FIRST)

    again = settlement(row.pk)
    assert (again.status, again.amount_xof, again.id) == (SettlementStatus.PENDING, 247, row.pk)
    assert again.proposal_id != facts.proposal_id
    approved(row, approver=approver)
    assert settlement(row.pk).status == SettlementStatus.APPROVED


def test_settlement_that_waits_or_is_approved_is_not_proposed_again(finance: User) -> None:
    rate_of("8000000")
    worked_example()
    account_in_use()
    row = closed()
    with unchanged(), pytest.raises(SettlementNotRepeatable):
        propose_again(settlement_id=row.pk, proposer=finance, reason="why not", now=ON_THE_FIRST)
    approved(row)
    with unchanged(), pytest.raises(SettlementNotRepeatable):
        propose_again(settlement_id=row.pk, proposer=finance, reason="why not", now=ON_THE_FIRST)


def test_approved_settlement_is_approved_again_after_the_account_changed(finance: User) -> None:
    rate_of("8000000")
    worked_example()
    account_in_use()
    row = closed()
    approved(row)
    account_in_use("+221779998877")

    propose_again(settlement_id=row.pk, proposer=finance, reason="a new account", now=ON_THE_FIRST)

    assert settlement(row.pk).status == SettlementStatus.PENDING
    approved(row)
    assert settlement(row.pk).status == SettlementStatus.APPROVED


def test_unsettled_francs_are_those_of_all_fees_less_what_was_paid() -> None:
    rate_of("8000000")
    worked_example()
    assert (unsettled_xof("wave"), unsettled_xof("orange")) == (247, 0)
    closed()
    assert unsettled_xof("wave") == 247, "proposed is not paid"


def test_records_of_all_windows_are_all_records_once() -> None:
    rate_of("8000000")
    moments = [IN_OCTOBER, NOVEMBER_1 - timedelta(microseconds=1), NOVEMBER_1, NOVEMBER_1 + timedelta(days=3)]
    for moment in moments:
        accrue(100_000, at=moment)
    closed(now=NOVEMBER_1 + 5 * HOUR)
    accrue(100_000, at=IN_OCTOBER)
    closed(now=DECEMBER_1 + 3 * HOUR)

    rows = Settlement.objects.order_by("sequence")
    assert sum(accrued_in("wave", span_of(row)).records for row in rows) == FeeRecord.objects.count() == 5
