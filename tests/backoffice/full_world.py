"""A world in which every model of the admin has a row."""

from datetime import timedelta
from decimal import Decimal

from django.db import transaction
from django_otp.plugins.otp_totp.models import TOTPDevice

from ledger.models import AuditRun
from ledger.services import post
from ledger.types import Line
from lightning.models import ListenerCursor
from partners.models import InboundWebhook
from partners.settlements.services.payments import BankEvidence, record_bank_payment
from payouts.services.erasure import propose_erasure
from payouts.services.proposals import propose_refund
from payouts.services.refunds import request_refund
from payouts.services.reopening import propose_reopening
from sunusav.core.approvals import approve
from sunusav.core.band_services import BandValue
from sunusav.core.models import Reading
from sunusav.core.privacy import seal
from sunusav.core.roles import Role
from sunusav.core.subjects import key_of
from sunusav.core.switches import pause_outgoing
from tests.backoffice.world import World
from tests.factories.attachments import upload
from tests.factories.bands import set_band
from tests.factories.floats import adopt_minimum, proposed_minimum
from tests.factories.payouts import ACTOR, NOW, MemberFactory
from tests.factories.receipts import set_issuer, set_tax_rate
from tests.factories.settlements import another_partner, approved, closed, contested
from tests.factories.statements import imported, make_format
from tests.factories.treasury import BANK, NODE, book, opening
from tests.factories.treasury import propose as propose_movement
from tests.factories.users import make_session, make_user
from tests.fakes.rail import invoice
from transfers.booking import PLATFORM_FEES
from transfers.enums import ReturnKind, TreasuryKind
from transfers.models import (
    Disbursement,
    PastAdmission,
    ProviderSwitch,
    RailBreaker,
    RailLiquidity,
    RailMatch,
    RailMismatch,
    StatementItem,
)
from transfers.services.credit import use_credit
from transfers.services.credit_transfers import propose_credit_transfer
from transfers.services.limits import propose_limit
from transfers.services.receipt_links import open_receipt_link
from transfers.services.reversals import propose_reversal
from transfers.services.withdrawals import open_withdrawal
from transfers.statements.items import propose_resolution
from transfers.statements.keeping import save_rule
from transfers.types import Movement, credit_of, member_ref

AFTER_THE_MONTH = NOW + timedelta(days=40)


def fill(world: World) -> None:
    """Add a row of every model but conversions to a world."""
    ListenerCursor.objects.create(node_pubkey="02ab", settle_index=3, moved_at=NOW)
    TOTPDevice.objects.create(user=world.proposer, name="authenticator")
    Reading.objects.create(name="health:beat", facts={"status": "ok"}, read_at=NOW)
    AuditRun.objects.create(
        kind="full", started_at=NOW, ended_at=NOW, last_transaction_id=0, breaches_found=0, waiting_found=0
    )
    make_session(world.proposer, now=NOW)
    with transaction.atomic():
        open_withdrawal(subject="cycle:c", rail="lightning", amount_sats=1, actor=ACTOR, now=NOW)
    PastAdmission.objects.create(
        disbursement=Disbursement.objects.latest("pk"), admitted_at=NOW, by_version=1
    )
    RailBreaker.objects.create(rail="lightning", failures=1, changed_at=NOW)
    ProviderSwitch.objects.create(provider="lightning", changed_at=NOW)
    RailLiquidity.objects.create(rail="lightning", total=2, largest=1, known_at=NOW, seen_at=NOW)
    match = RailMatch.objects.create(
        rail="lightning", started_at=NOW, ended_at=NOW, lines_read=1, attempts_read=1, mismatches_found=1
    )
    RailMismatch.objects.create(match=match, code="paid-not-booked", reference="unknown")
    propose_movement(opening(), now=NOW, proposer=world.proposer)
    make_format(now=NOW, source="bank", saver=world.proposer)
    layout = {"tolerance_xof": Decimal(0), "days": 1, "text": "fee", "is_on": True}
    save_rule(source="bank", name="fees", layout=layout, reason="monthly", saver=world.proposer, now=NOW)
    imported(("fee", "-25"), ("odd", "7.5"), now=NOW, source="bank", importer=world.proposer)
    propose_resolution(
        item_id=StatementItem.objects.get(reference="fee").pk, reason_code="not_ours", explanation="looked up",
        proposer=world.proposer, now=NOW,
    )  # fmt: skip
    propose_limit(kind="total_hour", amount_sats=5, reason="fewer payments", proposer=world.proposer, now=NOW)
    seal(member_ref("awa"), "Awa")
    given = [Line(NODE, 2_000_000), Line(credit_of("awa"), -2_000_000)]
    post(kind="test", reference="to refund", lines=given, at=NOW, subject="test")
    request_refund(
        user_id="awa",
        amount_sats=1_000,
        reason="left",
        destination=invoice("wallet-1", 1_000),
        actor=ACTOR,
        now=NOW,
    )
    propose_refund(
        user_id="awa", amount_sats=1_000, reason="left", destination=invoice("wallet-2", 1_000),
        proposer=world.proposer, now=NOW,
    )  # fmt: skip
    pause_outgoing(actor=ACTOR, reason="looking", now=NOW)
    lines = [Line(NODE, 1_000), Line(credit_of("awa"), -1_000)]
    post(kind="test", reference="credit", lines=lines, at=NOW, subject="test")
    use_credit(user_id="awa", amount_msat=1_000, into=PLATFORM_FEES, subject="cycle:c", actor=ACTOR, now=NOW)
    InboundWebhook.objects.create(
        partner="wave", event_key="AE_1", authenticity="signature", received_at=NOW, follow_at=NOW
    )
    adopt_minimum(proposed_minimum(now=NOW), now=NOW)
    _settle(world)
    set_band(BandValue("manual_rate", approvals_needed=1, role=Role.APPROVER), now=NOW)
    set_issuer(now=NOW)
    set_tax_rate(1_800, now=NOW)
    open_receipt_link(kind="payout", key=world.paid.pk, user=make_user(Role.PLATFORM), now=NOW)
    approver = make_user(Role.APPROVER)
    proposed = propose_reversal(
        disbursement_id=world.paid.pk, kind=ReturnKind.BANK_LINE, reference=f"{'ab' * 32}:0", explanation="returned",
        proposer=world.proposer, now=NOW,
    )  # fmt: skip
    approve(proposal_id=proposed.pk, approver=approver, digest=proposed.digest, now=NOW)
    cycle_id = key_of(world.paid.subject)
    reopening = propose_reopening(
        cycle_id=cycle_id, reason="another wallet", proposer=world.proposer, now=NOW
    )
    approve(proposal_id=reopening.pk, approver=approver, digest=reopening.digest, now=NOW)
    leaving, heir = (
        MemberFactory.create(group=world.group, user_id=user_id) for user_id in ("fama", "moussa")
    )
    erasure = propose_erasure(
        user_id=leaving.user_id, reason="asked for it", proposer=world.proposer, now=NOW
    )
    approve(proposal_id=erasure.pk, approver=approver, digest=erasure.digest, now=NOW)
    lines = [Line(NODE, 1_000), Line(credit_of(leaving.user_id), -1_000)]
    post(kind="test", reference="late", lines=lines, at=NOW, subject="test")
    propose_credit_transfer(
        from_user_id=leaving.user_id, to_user_id=heir.user_id, reference="file 1", explanation="heir",
        proposer=world.proposer, now=NOW,
    )  # fmt: skip


def _settle(world: World) -> None:
    """Settle a month with one partner by the bank, and leave that of another to be decided."""
    settled, open_one = (another_partner(at=NOW, now=AFTER_THE_MONTH) for _ in range(2))
    row = closed(partner=settled, now=AFTER_THE_MONTH, proposer=world.proposer)
    seen = approved(row, now=AFTER_THE_MONTH)
    book(Movement(TreasuryKind.CAPITAL_DEPOSIT, BANK, 10_000), now=NOW)
    record_bank_payment(
        settlement_id=row.pk, seen=seen, user=world.proposer, now=AFTER_THE_MONTH,
        evidence=BankEvidence("BICIS-7", AFTER_THE_MONTH.date(), "transfer", upload()),
    )  # fmt: skip
    contested(row, now=AFTER_THE_MONTH, recorder=world.proposer)
    closed(partner=open_one, now=AFTER_THE_MONTH, proposer=world.proposer)
