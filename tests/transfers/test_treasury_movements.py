"""A movement of the treasury is proposed by one person with its evidence, and booked when another approves it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pytest_django import Settings

from ledger.enums import AccountRole, Currency
from ledger.models import JournalTransaction
from ledger.queries import balance, lines_of
from ledger.types import AccountRef
from sunusav.core import approvals
from sunusav.core.errors import DomainError
from sunusav.core.models import TrailEntry
from sunusav.core.roles import Role
from tests.factories.treasury import BANK, NODE, ONCHAIN, WAVE, approve, book, evidence, opening, propose
from tests.factories.users import make_user
from tests.fakes.franc_rail import FLOAT
from tests.fakes.rail import ScriptedRail
from tests.transfers.builders import NOW
from tests.transfers.liquidity_cases import look
from tests.transfers.rails import SteeredRail, Watch
from tests.transfers.unchanged import unchanged
from transfers.enums import TreasuryKind
from transfers.models import BookedMovement, TreasuryMovement
from transfers.rails import rail
from transfers.services.treasury import describe_movement, exact_reference, propose_movement
from transfers.treasury import treasury_accounts
from transfers.treasury_errors import (
    TreasuryAccountOpened,
    TreasuryAccountShort,
    TreasuryDateInFuture,
    TreasuryEvidenceMissing,
    TreasuryKindNotForAccount,
    TreasuryMovementMissing,
    TreasuryReferenceUsed,
)
from transfers.types import Movement

pytestmark = pytest.mark.django_db

K = TreasuryKind
FUNDING = Movement(K.CHANNEL_FUNDING, NODE, 1_000_000_000, cost=1_530_000)
TXID = "ab" * 32


class FrancRail(ScriptedRail):
    """A partner that holds francs for us."""

    name = "wave"
    account = WAVE
    cost_account = AccountRef(AccountRole.PARTNER_CHARGES, Currency.XOF, "wave")


@pytest.fixture
def wave(settings: Settings) -> None:
    settings.RAILS = {**settings.RAILS, "wave": f"{__name__}.FrancRail"}
    rail.cache_clear()


def refused(movement: Movement, **given: Any) -> DomainError:
    with unchanged(), pytest.raises(DomainError) as refusal:
        propose(movement, now=NOW, **given)
    return refusal.value


def test_movement_is_booked_when_another_person_approves_it() -> None:
    proposer, approver = make_user(Role.FINANCE), make_user(Role.APPROVER)
    proposal = propose(opening(), now=NOW, proposer=proposer, reference="statement 1")
    row = TreasuryMovement.objects.get()
    assert (balance(NODE), BookedMovement.objects.count()) == (0, 0)

    approve(proposal, now=NOW, approver=approver)

    booked = BookedMovement.objects.get()
    assert (booked.movement, booked.proposal, booked.proposer, booked.approver) == (
        row, proposal, proposer, approver,
    )  # fmt: skip
    assert (booked.reference, booked.opened_account) == ("statement 1", "node:msat")
    assert {line.account.code: line.amount for line in lines_of(booked.transaction_id)} == {
        "node:msat": 2_000_000_000, "opening_balance:msat": -2_000_000_000,
    }  # fmt: skip
    posted = JournalTransaction.objects.get()
    assert (posted.kind, posted.reference, posted.subject) == (
        "treasury_opening_balance", f"treasury:{row.pk}", f"treasury_movement:{row.pk}",
    )  # fmt: skip
    entry = TrailEntry.objects.get(action="book_movement")
    assert (entry.subject, entry.actor_id, entry.reason) == (
        f"treasury_movement:{row.pk}", approver.pk, "",
    )  # fmt: skip
    assert entry.facts == {"kind": "opening_balance", "transaction": posted.pk, "proposal": proposal.pk}


def test_proposer_cannot_approve_and_nothing_is_booked() -> None:
    root = make_user(Role.FINANCE, is_superuser=True)
    proposal = propose(opening(), now=NOW, proposer=root)

    with unchanged(), pytest.raises(approvals.ApproverIsProposer):
        approve(proposal, now=NOW, approver=root)


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR, Role.OPERATOR])
def test_only_finance_proposes(role: Role) -> None:
    with unchanged(), pytest.raises(approvals.NotAllowedToDecide):
        propose(opening(), now=NOW, proposer=make_user(role))


def test_rejected_movement_is_not_booked_and_its_reference_may_be_used_again() -> None:
    proposal = propose(opening(), now=NOW, reference="statement 1")
    approvals.reject(
        proposal_id=proposal.pk, approver=make_user(Role.APPROVER), reason="other amount", now=NOW
    )
    assert BookedMovement.objects.count() == 0

    assert book(opening(), now=NOW, reference="statement 1").reference == "statement 1"


def test_facts_are_those_of_the_books_and_of_the_provider_when_it_was_proposed(
    node: SteeredRail, watch: Watch
) -> None:
    book(opening(), now=NOW)
    book(opening(ONCHAIN, 5_000_000_000), now=NOW)
    node.balance_msat = 3_000_000_000
    look(watch)

    proposal = propose(FUNDING, now=NOW, reference=f" {TXID.upper()}:1 ")

    assert proposal.facts == {
        "kind": "channel_funding", "treasury_account": "node:msat", "other_account": "bank:msat:onchain",
        "amount_msat": 1_000_000_000, "charges_msat": 1_530_000, "exchanged_xof": None,
        "happened_on": "2026-03-04", "reference": f"{TXID}:1", "explanation": "seen on the statement",
        "books_before_msat": 2_000_000_000, "books_after_msat": 3_000_000_000,
        "provider_balance_msat": 3_000_000_000, "provider_balance_at": NOW.isoformat(),
    }  # fmt: skip
    book(Movement(K.PROVIDER_CHARGE, NODE, 7), now=NOW)  # the books change, what was proposed does not
    assert describe_movement(proposal.subject_id) == proposal.facts
    approve(proposal, now=NOW)
    assert (balance(NODE), balance(ONCHAIN)) == (2_999_999_993, 3_998_470_000)


def test_facts_of_a_franc_account_are_in_francs(wave: None) -> None:
    book(opening(BANK, 1_000_000), now=NOW)

    proposal = propose(Movement(K.FLOAT_TOP_UP, WAVE, 500_000, cost=1_180), now=NOW)

    assert (proposal.facts["amount_xof"], proposal.facts["charges_xof"]) == (500_000, 1_180)
    assert (proposal.facts["books_before_xof"], proposal.facts["books_after_xof"]) == (0, 500_000)
    assert (proposal.facts["provider_balance_xof"], proposal.facts["provider_balance_at"]) == (None, None)
    approve(proposal, now=NOW)
    assert (balance(WAVE), balance(BANK)) == (500_000, 498_820)


def test_treasury_accounts_are_those_of_rails_and_collectors_and_the_banks(wave: None) -> None:
    assert list(treasury_accounts().values()) == [NODE, FLOAT, WAVE, ONCHAIN, BANK]


def test_account_outside_the_treasury_is_refused() -> None:
    pot = AccountRef(AccountRole.GROUP_POT, Currency.MSAT, "cycle:awa")

    assert isinstance(refused(Movement(K.SURPLUS, pot, 1)), TreasuryKindNotForAccount)
    # No rail or collector here has a float at Wave.
    assert isinstance(refused(opening(WAVE)), TreasuryKindNotForAccount)


def test_reference_is_used_once_whether_it_waits_or_is_booked() -> None:
    waiting = propose(opening(), now=NOW, reference=TXID)
    again = refused(opening(ONCHAIN), reference=f" {TXID.upper()}")
    assert again.facts == {"reference": TXID, "movement_id": TreasuryMovement.objects.get().pk}
    approve(waiting, now=NOW)

    assert isinstance(refused(opening(ONCHAIN), reference=TXID), TreasuryReferenceUsed)


def test_account_is_opened_once_whether_it_waits_or_is_booked() -> None:
    waiting = propose(opening(), now=NOW)
    assert isinstance(refused(opening()), TreasuryAccountOpened)
    approve(waiting, now=NOW)
    assert isinstance(refused(opening()), TreasuryAccountOpened)

    assert book(opening(ONCHAIN), now=NOW).opened_account == "bank:msat:onchain"


def test_movement_whose_reference_was_booked_meanwhile_is_refused_when_it_is_approved() -> None:
    proposal = propose(opening(), now=NOW, reference="one")
    approvals.withdraw(proposal_id=proposal.pk, proposer=proposal.proposer, now=NOW)
    book(opening(), now=NOW, reference="one")
    # As if a proposal were reopened in the database: the service does not trust the check at the proposal.
    type(proposal).objects.filter(pk=proposal.pk).update(state="open", decided_at=None, outcome_seen_at=None)

    with unchanged(), pytest.raises(TreasuryReferenceUsed):
        approve(proposal, now=NOW)


@pytest.mark.parametrize(
    ("held", "movement", "short"),
    [
        # One less than what leaves the chain: amount and fee.
        ([opening(ONCHAIN, 1_001_529_999)], FUNDING, ("bank:msat:onchain", 1_001_530_000, 1_001_529_999)),
        ([opening(NODE, 4)], Movement(K.CHANNEL_CLOSING, NODE, 5), ("node:msat", 5, 4)),
        ([opening(BANK, 4)], Movement(K.CAPITAL_WITHDRAWAL, BANK, 5), ("bank:XOF", 5, 4)),
        (
            [opening(BANK, 99)],
            Movement(K.BITCOIN_PURCHASE, ONCHAIN, 1, exchanged_xof=100),
            ("bank:XOF", 100, 99),
        ),
        ([], Movement(K.SHORTFALL, NODE, 1), ("node:msat", 1, 0)),
    ],
)
def test_no_account_goes_below_zero(
    held: list[Movement], movement: Movement, short: tuple[str, int, int]
) -> None:
    for one in held:
        book(one, now=NOW)

    refusal = refused(movement)

    assert isinstance(refusal, TreasuryAccountShort)
    assert tuple(refusal.facts.values()) == short


def test_money_that_left_meanwhile_is_not_taken_twice() -> None:
    book(opening(BANK, 100), now=NOW)
    first, second = (propose(Movement(K.CAPITAL_WITHDRAWAL, BANK, 60), now=NOW) for _ in range(2))
    approve(first, now=NOW)

    with unchanged(), pytest.raises(TreasuryAccountShort):
        approve(second, now=NOW)
    assert balance(BANK) == 40


def test_day_in_the_future_is_refused() -> None:
    refusal = refused(opening(), happened_on=date(2026, 3, 5))

    assert isinstance(refusal, TreasuryDateInFuture)
    assert refusal.facts == {"happened_on": "2026-03-05", "today": "2026-03-04"}


@pytest.mark.parametrize("missing", ["reference", "explanation"])
def test_movement_without_evidence_is_refused(missing: str) -> None:
    given = evidence(**{"reference": "r", missing: "  "})

    with unchanged(), pytest.raises(TreasuryEvidenceMissing) as refusal:
        propose_movement(movement=opening(), evidence=given, proposer=make_user(Role.FINANCE), now=NOW)
    assert refusal.value.facts == {"missing": missing}


@pytest.mark.parametrize("subject_id", ["12", "twelve", ""])
def test_movement_that_does_not_exist_is_missing(subject_id: str) -> None:
    with pytest.raises(TreasuryMovementMissing):
        describe_movement(subject_id)


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        (" BOA  2026/17\n", "BOA 2026/17"),
        (TXID.upper(), TXID),
        (f"{TXID.upper()}:10", f"{TXID}:10"),
        (f"{TXID.upper()}:A", f"{TXID.upper()}:A"),
    ],
)
def test_reference_without_surplus_blanks_and_transaction_ids_in_lower_case(text: str, exact: str) -> None:
    assert exact_reference(text) == exact
