"""What is out of the ordinary is proposed and approved only with its figure typed a second time, exactly."""

from decimal import Decimal

import pytest
from django.test import Client

from ledger.models import ExchangeRate, ManualRateRequest
from sunusav.backoffice.money import show_rate
from sunusav.core.models import Approval, Proposal
from sunusav.core.roles import Role
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World
from tests.factories.payouts import NOW
from transfers.enums import LimitKind
from transfers.models import PaymentLimitRequest
from transfers.queries import limits_in_force
from transfers.services.limits import propose_limit

APPROVE = "/admin/core/proposal/actions/approve/"
PROPOSE_RATE = "/admin/ledger/manualraterequest/actions/propose/"
PROPOSE_LIMIT = "/admin/transfers/paymentlimitrequest/actions/propose/"
WRONG = ["", "66000000", "6600000.5", "66000000.50", "8000000"]


def approve(client: Client, *proposals: Proposal, **fields: str) -> str:
    sent = {
        "pk": [row.pk for row in proposals],
        **{f"seen-{row.pk}": row.digest for row in proposals},
        **fields,
    }
    return client.post(APPROVE, sent, follow=True).content.decode()


@pytest.fixture
def no_rate_waits(world: World) -> None:
    Proposal.objects.filter(pk=world.manual_rate.pk).update(state="withdrawn", decided_at=NOW)


@pytest.mark.parametrize("typed", WRONG)
def test_unusual_rate_is_not_approved_without_its_figure(world: World, enter: Enter, typed: str) -> None:
    shown = approve(enter(Role.APPROVER), world.manual_rate, typed_figure=typed)

    assert 'name="typed_figure"' in shown
    assert f"The figure is {show_rate(Decimal('66000000.5'))}. " in shown
    assert "+725\u00a0% away from the last good rate" in shown
    assert not Approval.objects.filter(proposal=world.manual_rate).exists()
    assert not ExchangeRate.objects.filter(source="manual").exists()


@pytest.mark.parametrize("typed", ["66000000.5", "66 000 000,5", "66\u202f000\u202f000,5"])
def test_unusual_rate_is_approved_with_its_figure(world: World, enter: Enter, typed: str) -> None:
    approve(enter(Role.APPROVER), world.manual_rate, typed_figure=typed)

    assert ExchangeRate.objects.get(source="manual").rate_xof_per_btc == Decimal("66000000.5")


@pytest.mark.parametrize(("rate", "is_asked"), [
    ("9600000", False), ("9600001", True), ("6400000", False), ("6399999", True),
])  # fmt: skip
def test_rate_is_typed_again_beyond_a_fifth_of_the_last_one(
    no_rate_waits: None, enter: Enter, rate: str, *, is_asked: bool
) -> None:
    finance, given = enter(Role.FINANCE), {"rate_xof_per_btc": rate, "reason": "no sources"}

    answer = finance.post(PROPOSE_RATE, given)

    assert ('name="typed_figure"' in answer.content.decode()) is is_asked
    assert Proposal.objects.filter(kind="manual_rate", state="open").count() == (0 if is_asked else 1)
    if is_asked:
        assert "no sources" in answer.content.decode()  # what was typed is kept
        assert ManualRateRequest.objects.count() == 1
        finance.post(PROPOSE_RATE, {**given, "typed_figure": rate})
        assert Proposal.objects.filter(kind="manual_rate", state="open").count() == 1


@pytest.mark.parametrize(("times", "is_asked"), [(10, False), (11, True)])
def test_limit_is_typed_again_when_it_is_raised_more_than_tenfold(
    world: World, enter: Enter, times: int, *, is_asked: bool
) -> None:
    amount_sats = limits_in_force()[LimitKind.PER_PAYOUT].amount_sats * times
    given = {"kind": LimitKind.PER_PAYOUT.value, "amount_sats": str(amount_sats), "reason": "larger pots"}

    answer = enter(Role.FINANCE).post(PROPOSE_LIMIT, given)

    assert ('name="typed_figure"' in answer.content.decode()) is is_asked
    assert PaymentLimitRequest.objects.count() == (0 if is_asked else 1)


def test_the_figure_is_not_typed_for_what_is_usual(world: World, enter: Enter) -> None:
    in_force = limits_in_force()[LimitKind.PER_PAYOUT].amount_sats
    proposal = propose_limit(
        kind=LimitKind.PER_PAYOUT,
        amount_sats=in_force * 2,
        reason="larger pots",
        proposer=world.proposer,
        now=NOW,
    )

    approve(enter(Role.APPROVER), proposal)

    assert limits_in_force()[LimitKind.PER_PAYOUT].amount_sats == in_force * 2


def test_in_a_selection_it_is_left_out_and_named(world: World, enter: Enter) -> None:
    approver = enter(Role.APPROVER)
    both = [world.manual_rate, world.verification]

    asked = approver.get(APPROVE, {"pk": [row.pk for row in both]}).content.decode()

    assert "it is out of the ordinary, and is confirmed on its own." in asked
    assert f'name="pk" value="{world.verification.pk}"' in asked
    assert f'name="pk" value="{world.manual_rate.pk}"' not in asked
    # Sent all the same, it is refused; the other is approved.
    shown = approve(approver, *both)
    assert "it is out of the ordinary, and is confirmed on its own" in shown
    states = {row.pk: row.state for row in Proposal.objects.all()}
    assert (states[world.manual_rate.pk], states[world.verification.pk]) == ("open", "approved")


def test_form_that_the_service_refuses_keeps_what_was_typed(world: World, enter: Enter) -> None:
    given = {"kind": LimitKind.TOTAL_HOUR.value, "amount_sats": "123456", "reason": "a quiet month"}
    propose_limit(kind=LimitKind.TOTAL_HOUR, amount_sats=5, reason="fewer", proposer=world.proposer, now=NOW)

    answer = enter(Role.FINANCE).post(PROPOSE_LIMIT, given)

    shown = answer.content.decode()
    assert answer.status_code == 200
    assert "[proposal-already-open]" in shown
    assert 'value="123456"' in shown
    assert "a quiet month" in shown
    assert '<option value="total_hour" selected>' in shown
    assert PaymentLimitRequest.objects.count() == 1
