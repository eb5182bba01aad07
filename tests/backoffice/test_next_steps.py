"""What each page says comes next: for a person who may do it with a button, for others with the roles to ask."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import translation
from django.utils.html import strip_tags
from pytest_django import Settings

from fees.queries import forget_schedules
from payouts.models import Group, Member, Refund
from payouts.services.proposals import propose_cancellation, propose_refund
from sunusav.backoffice.next_steps import NextStep, next_step_of
from sunusav.core.actors import Actor
from sunusav.core.approvals import reject, withdraw
from sunusav.core.models import Proposal, User
from sunusav.core.roles import roles_with
from sunusav.core.switches import outgoing, pause_outgoing
from tests.backoffice.stories import Story
from tests.factories.payouts import ACTOR
from tests.fakes.rail import invoice
from tests.transfers.resolution_cases import SEEN
from transfers.collectors import collector
from transfers.enums import FailureClass, ReturnKind
from transfers.models import (
    Collection,
    Disbursement,
    PaymentLimitRequest,
    ProviderSwitch,
    ReturnClaim,
    Reversal,
)
from transfers.rails import rail
from transfers.services.limits import propose_limit
from transfers.services.reversals import propose_reversal
from transfers.services.switches import switch_off
from transfers.types import Refused

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def plugins(settings: Settings) -> Iterator[None]:
    settings.RAILS = {"lightning": "tests.transfers.rails.SteeredRail"}
    settings.COLLECTORS = {"lightning": "tests.transfers.rails.SteeredCollector"}
    forgets: list[Callable[[], None]] = [rail.cache_clear, collector.cache_clear, forget_schedules]
    for forget in forgets:
        forget()
    with translation.override("en"):
        yield
    for forget in forgets:
        forget()


@pytest.fixture
def story(db: None) -> Story:
    return Story()


def step_of(row: object, story: Story) -> tuple[str, str]:
    """Return the state and what comes next."""
    step = next_step_of(row, now=story.watch())  # type: ignore[arg-type]
    assert isinstance(step, NextStep)
    return strip_tags(str(step.state)), str(step.text).replace("\u202f", " ").replace("\u00a0", " ")


def on_page(url: str, user: User) -> str:
    """Return the text of the next step as a person's page shows it."""
    user.is_staff = True
    user.save()
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    html = client.get(url).content.decode()
    (found,) = re.findall(r'<div class="[^"]*\bnext\b[^"]*".*?</div>', html, re.DOTALL)
    return " ".join(unescape(strip_tags(found.replace("<", " <"))).split())


def test_collecting_cycle_waits_for_its_contributions(story: Story) -> None:
    story.begin_cycle()
    assert step_of(story.cycle, story) == ("collecting", "Waits for 2 more contributions.")

    story.pay("user-0")
    assert step_of(story.cycle, story) == ("collecting", "Waits for 1 more contribution.")


def test_ready_cycle_waits_for_a_destination_and_then_for_its_order(story: Story) -> None:
    story.ready_cycle()
    assert step_of(story.cycle, story)[1] == "Waits for the winner's destination, which the platform sets."

    story.set_destination("awa")
    assert step_of(story.cycle, story)[1] == "Waits for the platform to order the payout."


def test_paid_cycle_and_its_payment_need_nothing(story: Story) -> None:
    payment = Disbursement.objects.get(pk=story.paid_cycle())

    assert step_of(story.cycle, story) == ("paid", "Nothing remains to be done.")
    assert step_of(payment, story) == ("completed", "Nothing remains to be done.")


def failed(story: Story) -> Disbursement:
    story.ready_cycle()
    story.set_destination("awa")
    story.node.script.append(Refused(reason="incorrect_payment_details", failure=FailureClass.FINAL))
    payout_id = story.order()
    story.run()
    story.run(30)
    return Disbursement.objects.get(pk=payout_id)


def test_failed_payment_is_retried_by_finance_and_others_read_whom_to_ask(story: Story) -> None:
    payment = failed(story)

    mine = on_page(f"/admin/transfers/disbursement/{payment.pk}/change/", story.awa)
    theirs = on_page(f"/admin/transfers/disbursement/{payment.pk}/change/", story.moussa)

    # Why it failed stands in the box of the page.
    assert mine == "failed Retry Cancel the payment"
    assert theirs == "failed Who may do this: finance"


def test_attempt_and_order_say_what_comes_next_for_their_payment_and_lead_to_it(story: Story) -> None:
    payment = failed(story)
    attempt = payment.attempts.get()
    pages = [f"attempt/{attempt.pk}", f"paymentorder/{attempt.order_id}"]

    shown = {on_page(f"/admin/transfers/{page}/change/", story.awa) for page in pages}

    assert shown == {f"failed Incorrect payment details. payment {payment.pk}"}
    step = next_step_of(attempt, now=story.watch())
    assert step is not None
    assert f"/admin/transfers/disbursement/{payment.pk}/change/" in step.link


def test_attempt_waits_as_long_as_its_payment(story: Story) -> None:
    story.ready_cycle()
    story.set_destination("awa")
    story.node.script.append(SEEN)
    payment = Disbursement.objects.get(pk=story.order())
    story.run()
    payment.refresh_from_db()

    step, own = (next_step_of(row, now=story.watch()) for row in (payment.attempts.get(), payment))

    assert step is not None
    assert own is not None
    assert (step.state, step.text, step.until) == (own.state, own.text, payment.due_at)


def test_returned_money_says_what_comes_next_for_its_payment(story: Story) -> None:
    payment = Disbursement.objects.get(pk=story.paid_cycle())
    story.approve(
        propose_reversal(
            disbursement_id=payment.pk, kind=ReturnKind.BANK_LINE, reference=f"{'ab' * 32}:0", explanation="seen",
            proposer=story.awa, now=story.step()(),
        )
    )  # fmt: skip

    for row in (Reversal.objects.get(), ReturnClaim.objects.get()):
        step = next_step_of(row, now=story.watch())
        assert step is not None
        assert strip_tags(str(step.state)) == "reversed"
        assert strip_tags(step.link) == f"payment {payment.pk} cycle c1"


def test_cycle_says_what_comes_next_for_its_failed_payment(story: Story) -> None:
    payment = failed(story)

    shown = on_page("/admin/payouts/cycle/c1/change/", story.awa)

    assert shown == (
        f"failed Incorrect payment details. payment {payment.pk} Retry the payout Cancel the payout"
    )


def test_payment_waits_while_outgoing_money_is_paused(story: Story) -> None:
    story.ready_cycle()
    story.set_destination("awa")
    payment = Disbursement.objects.get(pk=story.order())
    pause_outgoing(actor=ACTOR, reason="odd node", now=story.step()())

    assert step_of(payment, story) == ("processing", "Waits: outgoing money is paused (odd node).")
    assert step_of(outgoing(), story) == ("paused", "Nothing is sent until two people resume it: odd node")


def test_payment_that_was_sent_waits_for_the_answer(story: Story) -> None:
    story.ready_cycle()
    story.set_destination("awa")
    story.node.script.append(SEEN)
    payout_id = story.order()
    story.run()

    payment = Disbursement.objects.get(pk=payout_id)
    step = next_step_of(payment, now=story.watch())
    assert step is not None
    assert step.text == "Sent to lightning. Waits for its answer; it is asked again."
    assert step.until == payment.due_at


def test_payment_waits_until_the_limit_of_the_hour_allows_it(story: Story) -> None:
    """19,800 of 30,000 sats were sent in this hour: 19,800 more do not fit, until the first have left the hour."""
    story.approve(
        propose_limit(
            kind="total_hour", amount_sats=30_000, reason="few", proposer=story.awa, now=story.step()()
        )
    )
    story.paid_cycle()
    story.ready_cycle("c2", index=2)
    story.set_destination("awa-2", cycle_id="c2")
    payment = Disbursement.objects.get(pk=story.order("c2"))
    story.run()

    payment.refresh_from_db()
    step = next_step_of(payment, now=story.watch())
    assert step is not None
    assert (payment.failure_code, step.actions) == ("hour-limit", ("waive",))
    assert step.until == payment.due_at
    assert payment.due_at is not None
    assert payment.due_at > story.watch()


def proposed(story: Story) -> Proposal:
    story.ready_cycle()
    return propose_cancellation(cycle_id="c1", reason="dissolved", proposer=story.awa, now=story.step()())


def test_what_is_proposed_waits_for_another_person(story: Story) -> None:
    proposal = proposed(story)
    story.step(3 * 3_600)

    says = "Waits for the decision of another person: “Cancel a cycle”, proposed by awa 3 hours ago."
    assert step_of(story.cycle, story) == ("waits for a decision", says)
    assert step_of(proposal, story) == ("waits for a decision", says)


def test_only_another_person_is_offered_to_decide(story: Story) -> None:
    proposal = proposed(story)

    mine = on_page("/admin/payouts/cycle/c1/change/", story.awa)
    theirs = on_page("/admin/payouts/cycle/c1/change/", story.moussa)

    assert mine.endswith(f"proposal {proposal.pk} Who may do this: approver")
    assert theirs.endswith(f"proposal {proposal.pk} Decide")


def test_request_that_was_decided_says_by_whom_and_why(story: Story) -> None:
    def request() -> tuple[Proposal, PaymentLimitRequest]:
        proposal = propose_limit(
            kind="per_payout", amount_sats=500_000, reason="more", proposer=story.awa, now=story.step()()
        )
        return proposal, PaymentLimitRequest.objects.get(pk=proposal.subject_id)

    first, refused = request()
    reject(proposal_id=first.pk, approver=story.moussa, reason="too high", now=story.step()())
    second, withdrawn = request()
    withdraw(proposal_id=second.pk, proposer=story.awa, now=story.step()())
    third, approved = request()
    story.approve(third)

    assert step_of(refused, story) == ("rejected", "Refused by moussa on 04/03/2026 10:02: too high")
    assert step_of(withdrawn, story) == (
        "withdrawn", "Withdrawn or void since 04/03/2026 10:04. It can be proposed again.",
    )  # fmt: skip
    assert step_of(approved, story) == (
        "approved", "Approved by moussa on 04/03/2026 10:06. Nothing remains to be done.",
    )  # fmt: skip


def test_request_for_money_waits_for_the_payer_until_it_expires(story: Story) -> None:
    story.begin_cycle()
    story.pay("user-0")
    paid = Collection.objects.get()
    assert step_of(paid, story) == ("settled", "Nothing remains to be done.")

    Collection.objects.filter(pk=paid.pk).update(state="open", received=0, settled_at=None)
    paid.refresh_from_db()
    step = next_step_of(paid, now=story.watch())
    assert step_of(paid, story) == ("open", "Waits for the payer: 10 000 sats are missing.")
    assert step is not None
    assert step.until == paid.expires_at


def test_provider_that_is_off_waits_for_two_people(story: Story) -> None:
    switch_off(provider="lightning", actor=Actor.of(story.awa), reason="maintenance", now=story.step()())
    row = ProviderSwitch.objects.get()

    step = next_step_of(row, now=story.watch())

    assert step is not None
    assert (step.state, step.actions) == ("off", ("propose-switch-on",))


def test_group_waits_for_its_verification(story: Story) -> None:
    assert step_of(Group.objects.get(), story) == (
        "not verified", "Its winners pay the full fee until two people have verified it.",
    )  # fmt: skip


def test_member_with_credit_can_be_paid_out_and_the_refund_says_what_comes_next(story: Story) -> None:
    member = Member.objects.get(user_id="user-1")
    assert step_of(member, story) == ("member", "Nothing remains to be done.")
    story.approve(proposed(story))
    assert step_of(member, story) == (
        "member", "Has credit of 10 000 sats: for the next contribution, or to be paid out by two people.",
    )  # fmt: skip
    story.approve(
        propose_refund(
            user_id="user-1", amount_sats=10_000, destination=invoice("user-1", 10_000), reason="left",
            proposer=story.awa, now=story.step()(),
        )
    )  # fmt: skip
    story.run()

    assert step_of(Refund.objects.get(), story) == ("completed", "Nothing remains to be done.")


def test_roles_of_a_permission_are_those_of_people() -> None:
    assert roles_with(["payouts.retry_payout"]) == ["finance"]
    assert roles_with(["payouts.request_payout"]) == []


def test_row_of_which_no_app_says_what_comes_next_has_no_step(story: Story) -> None:
    assert next_step_of(story.awa, now=story.watch() + timedelta(days=1)) is None
