"""One open proposal of each kind, made by the services that make them in production."""

from collections.abc import Callable
from datetime import timedelta

from django_otp.plugins.otp_totp.models import TOTPDevice

from fees.services import propose_schedule
from ledger.services import post
from ledger.types import Line
from payouts.services.corrections import propose_correction
from payouts.services.destinations import propose_destination
from payouts.services.erasure import propose_erasure
from payouts.services.groups import propose_verification_revocation
from payouts.services.proposals import (
    propose_cancellation,
    propose_exchange,
    propose_refund,
    propose_short_closing,
)
from payouts.services.reopening import propose_reopening
from sunusav.core.approvals import approve, propose
from sunusav.core.band_services import BandValue
from sunusav.core.models import Proposal
from sunusav.core.roles import Role
from sunusav.core.second_factor_resets import propose_reset
from sunusav.core.subjects import key_of
from sunusav.core.switches import pause_outgoing
from tests.backoffice.world import World, person
from tests.factories.bands import proposed_band
from tests.factories.floats import proposed_minimum
from tests.factories.payouts import ACTOR, NOW, MemberFactory
from tests.factories.receipts import proposed_issuer, proposed_tax_rate
from tests.factories.settlements import another_partner, closed, proposed_for_another
from tests.factories.statements import imported, make_format
from tests.factories.treasury import NODE, opening
from tests.factories.treasury import propose as propose_movement
from tests.fakes.rail import invoice
from transfers.enums import DeferralCode, LimitKind, ReturnKind
from transfers.models import Disbursement, StatementItem
from transfers.services.credit_transfers import propose_credit_transfer
from transfers.services.limit_waivers import propose_waiver
from transfers.services.limits import propose_limit
from transfers.services.reversals import propose_reversal
from transfers.services.switches import switch_off
from transfers.statements.items import propose_resolution
from transfers.types import credit_of

Maker = Callable[[World], Proposal]
MAKERS: dict[str, Maker] = {}


AFTER_THE_MONTH = NOW + timedelta(days=40)


def makes(kind: str) -> Callable[[Maker], Maker]:
    def register(maker: Maker) -> Maker:
        MAKERS[kind] = maker
        return maker

    return register


def give_credit(user_id: str, amount_msat: int) -> None:
    lines = [Line(NODE, amount_msat), Line(credit_of(user_id), -amount_msat)]
    post(kind="test", reference=f"credit of {user_id}", lines=lines, at=NOW, subject="test")


@makes("manual_rate")
def manual_rate(world: World) -> Proposal:
    return world.manual_rate


@makes("fee_schedule")
def fee_schedule(world: World) -> Proposal:
    return propose_schedule(draft_id=world.draft.pk, proposer=world.proposer, now=NOW, reason="cheaper")


@makes("group_verification")
def verification(world: World) -> Proposal:
    return world.verification


@makes("group_verification_revocation")
def revocation(world: World) -> Proposal:
    return propose_verification_revocation(
        group_id=world.group.pk, proposer=world.proposer, reason="papers were false", now=NOW
    )


@makes("cycle_cancellation")
def cancellation(world: World) -> Proposal:
    return propose_cancellation(
        cycle_id=world.collecting.pk, reason="the group ends", proposer=world.proposer, now=NOW
    )


@makes("cycle_short_closing")
def short_closing(world: World) -> Proposal:
    return propose_short_closing(
        cycle_id=world.collecting.pk, reason="one left", proposer=world.proposer, now=NOW
    )


@makes("winner_exchange")
def exchange(world: World) -> Proposal:
    return propose_exchange(
        cycle_id=world.collecting.pk, winner_user_id="user-1", reason="they swap", proposer=world.proposer,
        now=NOW,
    )  # fmt: skip


@makes("refund_payment")
def refund(world: World) -> Proposal:
    give_credit("user-1", 3_000_000)
    return propose_refund(
        user_id="user-1", amount_sats=1_000, destination=invoice("wallet", 1_000), reason="left",
        proposer=world.proposer, now=NOW,
    )  # fmt: skip


@makes("member_erasure")
def erasure(world: World) -> Proposal:
    MemberFactory.create(group=world.group, user_id="fama")
    return propose_erasure(user_id="fama", reason="asked for it", proposer=world.proposer, now=NOW)


@makes("member_correction")
def correction(world: World) -> Proposal:
    return propose_correction(
        user_id="user-1", phone="+221770000001", reason="a new card", proposer=world.proposer, now=NOW
    )


@makes("credit_transfer")
def credit_transfer(world: World) -> Proposal:
    give_credit("user-1", 3_000_000)
    return propose_credit_transfer(
        from_user_id="user-1", to_user_id="user-2", reference="file 1", explanation="heir",
        proposer=world.proposer, now=NOW,
    )  # fmt: skip


@makes("payment_reversal")
def reversal(world: World) -> Proposal:
    return propose_reversal(
        disbursement_id=world.paid.pk, kind=ReturnKind.BANK_LINE, reference=f"{'ab' * 32}:0",
        explanation="returned", proposer=world.proposer, now=NOW,
    )  # fmt: skip


@makes("statement_item")
def resolution(world: World) -> Proposal:
    make_format(now=NOW, source="bank", saver=world.proposer)
    imported(("fee", "-25"), now=NOW, source="bank", importer=world.proposer)
    return propose_resolution(
        item_id=StatementItem.objects.latest("pk").pk, reason_code="not_ours", explanation="another shop's",
        proposer=world.proposer, now=NOW,
    )  # fmt: skip


@makes("cycle_reopening")
def reopening(world: World) -> Proposal:
    back = reversal(world)
    checker = person("checker", Role.APPROVER)
    approve(proposal_id=back.pk, approver=checker, digest=back.digest, now=NOW)
    return propose_reopening(
        cycle_id=key_of(world.paid.subject), reason="another wallet", proposer=world.proposer, now=NOW
    )


@makes("payment_limit")
def limit(world: World) -> Proposal:
    return propose_limit(
        kind=LimitKind.PER_PAYOUT, amount_sats=20_000, reason="fewer", proposer=world.proposer, now=NOW
    )


@makes("payment_exception")
def waiver(world: World) -> Proposal:
    Disbursement.objects.filter(pk=world.failed.pk).update(
        state="needs_review",
        failure_code=DeferralCode.PAYOUT_ABOVE_LIMIT,
        failure_facts={"limit_sats": 20_000},
    )
    return propose_waiver(
        disbursement_id=world.failed.pk, proposer=world.proposer, reason="I called", now=NOW
    )


@makes("treasury_movement")
def movement(world: World) -> Proposal:
    return propose_movement(opening(amount=2_000_000), now=NOW, proposer=world.proposer)


@makes("provider_switch_on")
def switch_on(world: World) -> Proposal:
    switch_off(provider="lightning", actor=ACTOR, reason="strange answers", now=NOW)
    return propose(
        kind="provider_switch_on", subject_id="lightning", proposer=world.proposer, now=NOW, reason="mended"
    )


@makes("receipt_issuer")
def issuer(world: World) -> Proposal:
    return proposed_issuer(now=NOW)


@makes("receipt_tax_rate")
def tax_rate(world: World) -> Proposal:
    return proposed_tax_rate(1_800, now=NOW)


@makes("float_minimum")
def float_minimum(world: World) -> Proposal:
    return proposed_minimum(now=NOW)


@makes("settlement")
def settlement(world: World) -> Proposal:
    row = closed(partner=another_partner(at=NOW, now=AFTER_THE_MONTH), now=AFTER_THE_MONTH)
    return Proposal.objects.get(kind="settlement", subject_id=str(row.pk))


@makes("settlement_account")
def settlement_account(world: World) -> Proposal:
    return proposed_for_another(
        another_partner(at=NOW, now=AFTER_THE_MONTH), "+221779998877", now=AFTER_THE_MONTH
    )


@makes("outgoing_resume")
def resume(world: World) -> Proposal:
    pause_outgoing(actor=ACTOR, reason="odd node", now=NOW)
    return propose(
        kind="outgoing_resume", subject_id="outgoing", proposer=world.proposer, now=NOW, reason="healthy"
    )


@makes("second_factor_reset")
def reset(world: World) -> Proposal:
    moussa, operator = person("moussa", Role.APPROVER), person("an-operator", Role.OPERATOR)
    TOTPDevice.objects.create(user=moussa, name="authenticator")
    return propose_reset(user_pk=moussa.pk, reason="lost the phone", proposer=operator, now=NOW)


@makes("approval_band")
def band(world: World) -> Proposal:
    for name in ("fatou", "ibrahima"):
        person(name, Role.APPROVER)
    return proposed_band(BandValue(kind="manual_rate", approvals_needed=2), now=NOW)


@makes("cycle_destination")
def destination(world: World) -> Proposal:
    return propose_destination(
        cycle_id=world.collecting.pk, destination=invoice("elsewhere", 29_850),
        reason="lost her phone", proposer=world.proposer, now=NOW,
    )  # fmt: skip
