"""The account that settlements are paid to: proposed, put in use, and refused."""

import pytest
from pytest_django import Settings

from partners.errors import PartnerNotInUse
from partners.models import AdoptedSettlementAccount, SettlementAccount
from partners.settlements.errors import SettlementAccountNotFound
from partners.settlements.queries import account_in_use as used
from partners.settlements.queries import registered_account
from partners.settlements.services.accounts import describe_settlement_account
from sunusav.core import approvals
from sunusav.core.approvals import ApproverIsProposer, NotAllowedToDecide, ProposalAlreadyOpen
from sunusav.core.models import TrailEntry, User
from tests.factories.settlements import ON_THE_FIRST, PHONE, account_in_use, proposed_account
from tests.fakes.franc_rail import ScriptedFrancRail
from tests.transfers.unchanged import unchanged
from transfers.errors import DestinationKindUnsupported

pytestmark = pytest.mark.django_db

ANOTHER = "+221779998877"


def test_second_person_puts_an_account_in_use(finance: User, approver: User) -> None:
    proposal = proposed_account(proposer=finance)
    assert used("wave") is None
    approvals.approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=ON_THE_FIRST)

    found = used("wave")
    assert found is not None
    adopted = AdoptedSettlementAccount.objects.get(account=found)
    assert (adopted.proposer, adopted.approver) == (finance, approver)
    assert registered_account(found).masked_value == "+22177•••••67"
    assert used("orange") is None


def test_last_account_is_in_use_and_its_proposal_shows_the_one_before() -> None:
    account_in_use()
    facts = proposed_account(ANOTHER).facts
    assert (facts["account_in_use"], facts["account_masked"]) == ("+22177•••••67", "+22177•••••77")


def test_number_is_in_no_proposal_trail_or_row_in_clear() -> None:
    proposal = proposed_account()
    account_in_use_of = SettlementAccount.objects.get()
    texts = [str(proposal.facts), *map(str, TrailEntry.objects.values_list("facts", flat=True))]
    assert not any(PHONE in text or PHONE[4:] in text for text in texts)
    assert PHONE.encode() not in bytes(account_in_use_of.sealed_value)


def test_proposer_does_not_put_their_own_account_in_use(finance: User) -> None:
    User.objects.filter(pk=finance.pk).update(is_superuser=True)
    root = User.objects.get(pk=finance.pk)
    proposal = proposed_account(proposer=root)
    with unchanged(), pytest.raises(ApproverIsProposer):
        approvals.approve(proposal_id=proposal.pk, approver=root, digest=proposal.digest, now=ON_THE_FIRST)


def test_one_account_of_a_partner_is_proposed_at_a_time() -> None:
    proposed_account()
    with unchanged(), pytest.raises(ProposalAlreadyOpen):
        proposed_account(ANOTHER)


def test_partner_that_is_not_used_here_has_no_account(settings: Settings) -> None:
    settings.PARTNERS = ["orange"]
    with unchanged(), pytest.raises(PartnerNotInUse):
        proposed_account()


def test_account_that_the_rail_cannot_pay_is_refused(wave: ScriptedFrancRail) -> None:
    wave.destination_kinds = ("card",)
    with unchanged(), pytest.raises(DestinationKindUnsupported):
        proposed_account()


def test_people_without_the_right_propose_no_account(approver: User) -> None:
    with unchanged(), pytest.raises(NotAllowedToDecide):
        proposed_account(proposer=approver)


@pytest.mark.parametrize("key", ["17", "x", ""])
def test_account_that_does_not_exist_is_refused(key: str) -> None:
    with unchanged(), pytest.raises(SettlementAccountNotFound):
        describe_settlement_account(key)
