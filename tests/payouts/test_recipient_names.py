"""The name of a payee, which partners may compare: encrypted with the payment, and corrected with the person."""

import pytest
from pytest_django import Settings

from payouts.services.members import change_member
from sunusav.core.privacy import keys_of
from tests.factories.payouts import ACTOR, NOW, make_group, make_payable_cycle, make_ready_cycle, process
from tests.fakes.franc_rail import NAME as FRANCS
from tests.fakes.franc_rail import phone
from tests.ledger.builders import stored_rate
from transfers.engine.destinations import instruction_for
from transfers.models import Disbursement, DisbursementDestination

pytestmark = pytest.mark.django_db


@pytest.fixture
def francs(settings: Settings) -> None:
    settings.RAILS = {**settings.RAILS, FRANCS: "tests.fakes.franc_rail.ScriptedFrancRail"}
    stored_rate("8000000", at=NOW)


def given_name(payout_id: int) -> str:
    """Return the name that the rail is given, and make sure that nothing of it is stored in clear."""
    row = Disbursement.objects.get(pk=payout_id)
    chosen = DisbursementDestination.objects.select_related("disbursement").get(disbursement=row)
    instruction = instruction_for(chosen, row, keys_of([row.person_ref]))
    assert "Khady" not in repr(instruction)
    return instruction.recipient_name


def named(name: str) -> None:
    change_member(user_id="user-0", display_name=name, actor=ACTOR, now=NOW)


def test_payment_to_a_phone_has_the_name_of_its_payee_and_takes_its_correction(francs: None) -> None:
    group = make_group(members=2)
    named("Khady Ndiaye")
    payout_id = process(make_ready_cycle(group, contribution_sats=10_000, destination=phone("+221771234567")))

    assert given_name(payout_id) == "Khady Ndiaye"
    assert b"Khady" not in bytes(Disbursement.objects.get(pk=payout_id).sealed_name or b"")
    named("Khady Diop")
    assert given_name(payout_id) == "Khady Diop"


def test_payment_by_lightning_has_no_name() -> None:
    group = make_group(members=2)
    payout_id = process(make_payable_cycle(group, net_sats=19_800, contribution_sats=10_000))
    named("Khady Diop")

    assert given_name(payout_id) == ""
    assert Disbursement.objects.get(pk=payout_id).sealed_name is None
