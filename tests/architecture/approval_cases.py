"""For every kind of proposal: how one is made, which facts its approver is shown, and how each of them can change."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F
from django_otp.plugins.otp_totp.models import TOTPDevice

from fees.models import FeeBracketDraft, FeeScheduleDraft
from fees.services import propose_schedule
from ledger.enums import AccountRole, Currency
from ledger.models import ManualRateRequest
from ledger.services import post, propose_manual_rate
from ledger.types import AccountRef, credit, debit
from partners.models import AdoptedFloatMinimum, FloatMinimum
from partners.services.floats import FLOAT_MINIMUM
from payouts.models import (
    Cycle,
    Group,
    Member,
    ProposedCorrection,
    ProposedDestination,
    ProposedExchange,
    ProposedRefund,
)
from payouts.services import proposals
from payouts.services.corrections import propose_correction
from payouts.services.cycles import set_destination
from payouts.services.destinations import propose_destination
from payouts.services.erasure import propose_erasure
from payouts.services.groups import propose_verification, propose_verification_revocation
from payouts.services.reopening import propose_reopening
from sunusav.core import approvals, switches
from sunusav.core.band_services import APPROVAL_BAND, BandValue
from sunusav.core.locks import lock
from sunusav.core.models import ApprovalBand, ApprovalBandRequest, PersonKey, Proposal, Switch, User
from sunusav.core.privacy import seal
from sunusav.core.roles import Role
from sunusav.core.second_factor import make_recovery_codes
from sunusav.core.second_factor_resets import propose_reset
from tests.architecture.approval_kind import Change, Kind, finance, locked, written
from tests.architecture.settlement_cases import SETTLEMENT_KINDS
from tests.factories.bands import proposed_band
from tests.factories.floats import proposed_minimum
from tests.factories.payouts import (
    ACTOR,
    NOW,
    make_cycle,
    make_group,
    make_payable_cycle,
    pay_contribution,
    process,
    verify,
)
from tests.factories.receipts import proposed_issuer, proposed_tax_rate
from tests.factories.statements import imported, make_format
from tests.factories.treasury import BANK, NODE, ONCHAIN, book, evidence, opening
from tests.factories.users import make_user
from tests.fakes.rail import invoice
from tests.support.constraints import copy_of
from tests.transfers.builders import fund, ordered, run
from tests.transfers.rails import SteeredRail, Watch
from tests.transfers.resolution_cases import PAID, Case
from transfers import sql
from transfers.enums import ReturnKind, TreasuryKind
from transfers.errors import RailCredentialsRefused
from transfers.models import (
    Attempt,
    CreditTransferRequest,
    Disbursement,
    DisbursementDestination,
    Issuer,
    ItemResolution,
    ManualResolution,
    PaymentLimit,
    PaymentLimitRequest,
    PaymentOrder,
    ProviderAnswer,
    ProviderSwitch,
    ReturnClaim,
    StatementItem,
    TaxRate,
    TreasuryMovement,
)
from transfers.rails import rail
from transfers.services.credit_transfers import propose_credit_transfer
from transfers.services.limit_waivers import propose_waiver
from transfers.services.limits import propose_limit
from transfers.services.reversals import book_provider_reversal, propose_reversal
from transfers.services.switches import switch_off, switch_off_for_credentials
from transfers.services.treasury import propose_movement
from transfers.statements.items import propose_resolution
from transfers.statements.matching import STATEMENTS_LOCK
from transfers.types import Movement, Reversed, credit_of

LATER = NOW + timedelta(minutes=1)


# core and ledger


def _resume() -> Proposal:
    switches.pause_outgoing(actor=ACTOR, reason="odd node", now=NOW)
    return approvals.propose(kind="outgoing_resume", subject_id="outgoing", proposer=finance(), now=NOW)


def _switch_on() -> Proposal:
    refusal = RailCredentialsRefused(rail="lightning", detail="key revoked")
    switch_off_for_credentials(refusal, asked_at=NOW, now=NOW)
    switch_off(provider="lightning", actor=ACTOR, reason="key revoked", now=NOW)
    return approvals.propose(kind="provider_switch_on", subject_id="lightning", proposer=finance(), now=NOW)


def _rate() -> Proposal:
    return propose_manual_rate(
        rate_xof_per_btc=Decimal(60_000_000), reason="no source", proposer=finance(), now=NOW
    )


def _band() -> Proposal:
    value = BandValue(
        "manual_rate", approvals_needed=1, role="approver", currency="XOF", from_amount=5_000_000
    )
    make_user(Role.APPROVER)
    return proposed_band(value, now=NOW)


def _insert_band(*, from_amount: int, approvals_needed: int) -> None:
    """Insert a band, as if another proposal of it had been approved."""
    proposal = Proposal.objects.get(kind=APPROVAL_BAND)
    row = ApprovalBandRequest.objects.get(pk=proposal.subject_id)
    changes = {"from_amount": from_amount, "approvals_needed": approvals_needed, "role": ""}
    request = copy_of(row, **changes)
    request.save()
    another = copy_of(proposal, subject_id=str(request.pk), state="approved", decided_at=NOW)
    another.save()
    ApprovalBand.objects.create(
        kind=row.kind, currency=row.currency, **changes, version=1, effective_at=NOW, request=request,
        proposal=another, proposer=proposal.proposer, approver=make_user(Role.APPROVER),
    )  # fmt: skip


# fees


def _schedule() -> Proposal:
    draft = FeeScheduleDraft.objects.create(
        author=finance(), created_at=NOW, effective_at=NOW + timedelta(days=7), note="cheaper"
    )
    FeeBracketDraft.objects.create(draft=draft, from_sats=0, base_rate_ppm=8_000)
    return propose_schedule(draft_id=draft.pk, proposer=finance(), now=NOW)


def _next_day() -> datetime:
    return NOW + timedelta(days=8)


# transfers


def _node() -> SteeredRail:
    found = rail("lightning")
    assert isinstance(found, SteeredRail)
    return found


def _resolution() -> Proposal:
    return Case(_node(), Watch(NOW)).propose(PAID)


def _reversal() -> Proposal:
    disbursement_id = ordered()
    run(Watch(NOW))
    return propose_reversal(
        disbursement_id=disbursement_id, kind=ReturnKind.BANK_LINE, reference=f"{'ab' * 32}:0",
        explanation="the statement shows it", proposer=finance(), now=NOW,
    )  # fmt: skip


def _another_claim() -> None:
    """Insert the same claim again: another row, of which nobody approved anything."""
    copy_of(ReturnClaim.objects.get()).save(force_insert=True)


def _waiver() -> Proposal:
    disbursement_id = ordered(destination_replaced_at=NOW)
    run(Watch(NOW))
    return propose_waiver(disbursement_id=disbursement_id, proposer=finance(), reason="I called", now=NOW)


def _limit() -> Proposal:
    """Propose a limit; another one, of the same amount, is approved already but not yet in force."""
    before = PaymentLimit.objects.filter(kind="per_payout").latest("version")
    facts = {"kind": before.kind, "amount_sats": before.amount_sats}
    request = PaymentLimitRequest.objects.create(
        **facts, reason="as before", requested_by=finance(), requested_at=NOW
    )
    _waiting_limit.update(
        **facts, version=before.version + 1, set_at=NOW, request=request, proposal=_verification(),
        proposer=finance(), approver=make_user(Role.APPROVER),
    )  # fmt: skip
    return propose_limit(
        kind="per_payout", amount_sats=10**9, reason="larger groups", proposer=finance(), now=NOW
    )


def _movement() -> Proposal:
    book(opening(BANK, 1_000_000), now=NOW)
    purchase = Movement(TreasuryKind.BITCOIN_PURCHASE, ONCHAIN, 1_000, cost=1, exchanged_xof=100)
    return propose_movement(movement=purchase, evidence=evidence(), proposer=finance(), now=NOW)


def _resolved_difference() -> Proposal:
    make_format(now=NOW, source="bank")
    imported(("fee", "-25"), now=NOW, source="bank")
    movement = book(opening(BANK, 1_000), now=NOW).movement_id
    return propose_resolution(
        item_id=StatementItem.objects.get().pk, reason_code="booked_as_movement", movement_id=movement,
        explanation="the monthly fee", proposer=finance(), now=NOW,
    )  # fmt: skip


def _written_movement(**values: Any) -> Change:
    return lambda: TreasuryMovement.objects.filter(kind="bitcoin_purchase").update(**values)


def _written_balance(name: str, value: Any) -> Change:
    """Return a write of one of the balances that were stored with the proposal."""

    def write() -> None:
        row = TreasuryMovement.objects.get(kind="bitcoin_purchase")
        _written_movement(balances={**row.balances, name: value})()

    return write


def _written_limit(**values: Any) -> Change:
    return lambda: PaymentLimitRequest.objects.filter(amount_sats=10**9).update(**values)


def _another_limit() -> None:
    PaymentLimit.objects.create(**_waiting_limit)


def _another_destination() -> None:
    """Store another invoice as the person's own, with the digest of the one before."""
    for row in DisbursementDestination.objects.select_related("disbursement"):
        sealed = seal(row.disbursement.person_ref, "another invoice")
        DisbursementDestination.objects.filter(pk=row.pk).update(sealed_value=sealed)


_waiting_limit: dict[str, Any] = {}


def _adopt_another_minimum(**changes: int) -> None:
    """Insert another minimum in force, and leave the proposal as it is."""
    proposed = FloatMinimum.objects.earliest("pk")
    other = copy_of(proposed, **changes)
    other.save(force_insert=True)
    proposal = copy_of(Proposal.objects.latest("pk"), state="withdrawn", decided_at=NOW)
    proposal.save(force_insert=True)
    AdoptedFloatMinimum.objects.create(
        minimum=other,
        adopted_at=NOW,
        proposal=proposal,
        proposer=finance(),
        approver=make_user(Role.APPROVER),
    )


def _another_resolution() -> None:
    """Insert the same resolution again: another row, of which nobody approved anything."""
    copy_of(ManualResolution.objects.get()).save(force_insert=True)


def _answer(**values: Any) -> Change:
    """Return an insert of one more answer of the provider, equal to the last one but for these values."""
    return lambda: copy_of(ProviderAnswer.objects.latest("pk"), **values).save(force_insert=True)


# payouts


def _verification() -> Proposal:
    return propose_verification(
        group_id=make_group(members=0).pk, proposer=finance(), reason="papers seen", now=NOW
    )


def _revocation() -> Proposal:
    group = make_group(members=0)
    verify(group)
    return propose_verification_revocation(group_id=group.pk, proposer=finance(), reason="moved", now=NOW)


GROUP_CHANGES = {
    "name": written(Group, name="Another tontine"),
    "country": written(Group, country="CI"),
    "settlement_partner": written(Group, settlement_partner_id="orange"),
}


def _reopening() -> Proposal:
    """Propose to reopen a cycle of two members, whose payout of 20,000 sats was given back."""
    payout_id = process(make_payable_cycle(make_group(members=2), net_sats=19_800, cycle_id="cycle-9"))
    run(Watch(NOW))
    attempt = Attempt.objects.get(disbursement_id=payout_id)
    found = Reversed("reversal-1", attempt.order.money(attempt.order.amount), NOW)
    assert book_provider_reversal(attempt.pk, found, now=NOW)
    return propose_reopening(cycle_id="cycle-9", reason="another wallet", proposer=finance(), now=NOW)


def _cycle() -> Cycle:
    """Return a cycle of two members who owe 10,000 sats each; one has paid."""
    cycle = make_cycle(make_group(members=2), cycle_id="cycle-9")
    pay_contribution(cycle, "user-0")
    return cycle


def _cancellation() -> Proposal:
    cycle_id = _cycle().pk
    return proposals.propose_cancellation(cycle_id=cycle_id, reason="dissolved", proposer=finance(), now=NOW)


def _short_closing() -> Proposal:
    cycle_id = _cycle().pk
    return proposals.propose_short_closing(cycle_id=cycle_id, reason="one left", proposer=finance(), now=NOW)


def _exchange() -> Proposal:
    return proposals.propose_exchange(
        cycle_id=_cycle().pk, winner_user_id="user-1", reason="agreed", proposer=finance(), now=NOW
    )


def _another_exchange() -> None:
    ProposedExchange.objects.create(cycle_id="cycle-9", winner_user_id="user-0", proposed_at=NOW)


def _destination() -> Proposal:
    return propose_destination(
        cycle_id=_cycle().pk, destination=invoice("wallet", 19_800), second_choice=invoice("other", 19_800),
        reason="lost the phone", proposer=finance(), now=NOW,
    )  # fmt: skip


def _destination_set() -> None:
    set_destination(cycle_id="cycle-9", destination=invoice("mine", 19_800), actor=ACTOR, now=NOW)


def _refund() -> Proposal:
    make_group(members=1)
    post(
        kind="receipt", reference="credit", at=NOW, subject="test:1",
        lines=[debit(NODE, 5_000_000), credit(credit_of("user-0"), 5_000_000)],
    )  # fmt: skip
    return proposals.propose_refund(
        user_id="user-0", amount_sats=5_000, destination=invoice("wallet", 5_000), reason="left",
        proposer=finance(), now=NOW,
    )  # fmt: skip


CYCLE_CHANGES: dict[str, Change] = {
    "group": lambda: Cycle.objects.update(group=make_group(members=1)),
    "winner": written(Cycle, winner_user_id="user-1"),
    "members": written(Cycle, members_count=3),
    "contribution_sats": written(Cycle, contribution_sats=9_000),
    "pot_msat": lambda: fund("cycle:cycle-9", 1),
    "settled": lambda: pay_contribution(Cycle.objects.get(), "user-1"),
}


def _erasure() -> Proposal:
    make_group(members=1)
    return propose_erasure(user_id="user-0", reason="asked for it", proposer=finance(), now=NOW)


def _correction() -> Proposal:
    make_group(members=1)
    return propose_correction(
        user_id="user-0", display_name="Fatou Diop", phone="+221770000009", reason="card seen",
        proposer=finance(), now=NOW,
    )  # fmt: skip


def _another_correction() -> None:
    """Insert the same correction again: another row, of which nobody approved anything."""
    copy_of(ProposedCorrection.objects.get()).save(force_insert=True)


def _credit_transfer() -> Proposal:
    """Propose to move the 10 msat that one of two members has."""
    make_group(members=2)
    lines = [debit(AccountRef(AccountRole.NODE, Currency.MSAT), 10), credit(credit_of("user-0"), 10)]
    post(kind="test", reference="credit", lines=lines, at=NOW, subject="test")
    return propose_credit_transfer(
        from_user_id="user-0", to_user_id="user-1", reference="file 1", explanation="heir", proposer=finance(),
        now=NOW,
    )  # fmt: skip


def _second_factor_reset() -> Proposal:
    """Propose to reset the authenticator of a person who has recovery codes."""
    person = make_user(Role.AUDITOR, username="awa", first_name="Awa")
    TOTPDevice.objects.create(user=person, name="authenticator", confirmed=True)
    make_recovery_codes(person, now=NOW)
    return propose_reset(user_pk=person.pk, reason="lost", proposer=make_user(Role.OPERATOR), now=NOW)


KINDS: dict[str, Kind] = {
    "second_factor_reset": Kind(
        propose=_second_factor_reset,
        constant=frozenset(),
        changes={
            "login": lambda: User.objects.filter(username="awa").update(username="fatou"),
            "full_name": lambda: User.objects.filter(username="awa").update(first_name="Fatou"),
            "roles": lambda: User.groups.through.objects.filter(user__username="awa").delete(),
            "is_superuser": lambda: User.objects.filter(username="awa").update(is_superuser=True),
            "enrolled_at": written(TOTPDevice, created_at=LATER),
        },
        lock=locked(User),
        meanwhile="enrolled_at",
    ),
    "cycle_cancellation": Kind(
        propose=_cancellation,
        constant=frozenset({"cycle_id"}),
        changes={**CYCLE_CHANGES, "returned_sats": written(Cycle, contribution_sats=9_000)},
        commits="settled",
        lock=locked(Cycle),
        meanwhile="winner",
    ),
    "cycle_short_closing": Kind(
        propose=_short_closing,
        constant=frozenset({"cycle_id"}),
        changes={**CYCLE_CHANGES, "payout_total_sats": written(Cycle, contribution_sats=9_000)},
        commits="settled",
        lock=locked(Cycle),
        meanwhile="winner",
    ),
    "winner_exchange": Kind(
        propose=_exchange,
        constant=frozenset({"cycle_id"}),
        changes={
            "group": lambda: Cycle.objects.update(group=make_group(members=1)),
            "from_winner": written(Cycle, winner_user_id="user-1"),
            "winner": _another_exchange,
        },
        lock=locked(Cycle),
        meanwhile="from_winner",
    ),
    "cycle_destination": Kind(
        propose=_destination,
        constant=frozenset({"cycle_id"}),
        changes={
            "winner": written(Cycle, winner_user_id="user-1"),
            "digest_before": _destination_set,
            "payout_total_sats": written(Cycle, contribution_sats=9_000),
            "rail": written(ProposedDestination, rail="wave"),
            "kind": written(ProposedDestination, kind="phone"),
            "destination_digest": written(ProposedDestination, digest="00" * 32),
            "second_rail": written(ProposedDestination, second_rail="wave"),
            "second_kind": written(ProposedDestination, second_kind="phone"),
            "second_digest": written(ProposedDestination, second_digest="00" * 32),
        },
        lock=locked(Cycle),
        meanwhile="winner",
    ),
    "refund_payment": Kind(
        propose=_refund,
        constant=frozenset(),
        changes={
            "user_id": written(ProposedRefund, user_id="user-1"),
            "amount_sats": written(ProposedRefund, amount_sats=4_000),
            "rail": written(ProposedRefund, rail="wave"),
            "kind": written(ProposedRefund, kind="phone"),
            "destination_digest": written(ProposedRefund, digest="00" * 32),
        },
    ),
    "member_erasure": Kind(
        propose=_erasure,
        constant=frozenset({"user_id"}),
        changes={"groups": written(Member, left_at=LATER)},
        lock=locked(Group),
        meanwhile="groups",
    ),
    "member_correction": Kind(
        propose=_correction,
        constant=frozenset({"user_id"}),
        changes={
            "correction": _another_correction,
            "name_changes": written(ProposedCorrection, sealed_name=None),
            "phone_changes": written(ProposedCorrection, sealed_phone=None),
            "stored_digest": written(Member, sealed_name=b"another"),
            "proposed_digest": written(ProposedCorrection, sealed_phone=b"another"),
        },
        lock=locked(PersonKey),
        meanwhile="stored_digest",
    ),
    "credit_transfer": Kind(
        propose=_credit_transfer,
        constant=frozenset(),
        changes={
            "from_member": written(CreditTransferRequest, from_owner="member:user-2"),
            "to_member": written(CreditTransferRequest, to_owner="member:user-2"),
            "amount_msat": written(CreditTransferRequest, amount_msat=9),
            "reference": written(CreditTransferRequest, reference="file 2"),
            "explanation": written(CreditTransferRequest, explanation="another"),
        },
    ),
    "cycle_reopening": Kind(
        propose=_reopening,
        constant=frozenset({"cycle_id", "reversed_payment"}),
        changes={
            "group": lambda: Cycle.objects.update(group=make_group(members=1)),
            "winner": written(Cycle, winner_user_id="user-1"),
            "payout_total_sats": written(Cycle, contribution_sats=9_000),
            "pot_msat": lambda: fund("cycle:cycle-9", 1),
        },
        lock=locked(Cycle),
        meanwhile="winner",
    ),
    "outgoing_resume": Kind(
        propose=_resume,
        constant=frozenset({"switch"}),
        changes={
            "paused_at": written(Switch, changed_at=LATER),
            "paused_by": written(Switch, changed_by="somebody else"),
            "pause_reason": written(Switch, reason="another reason"),
        },
        lock=locked(Switch),
        meanwhile="pause_reason",
    ),
    "manual_rate": Kind(
        propose=_rate,
        constant=frozenset(),
        changes={
            "rate_xof_per_btc": written(ManualRateRequest, rate_xof_per_btc=Decimal(60_000_001)),
            "reason": written(ManualRateRequest, reason="another reason"),
            "requested_at": written(ManualRateRequest, requested_at=LATER),
        },
    ),
    "fee_schedule": Kind(
        propose=_schedule,
        constant=frozenset(),
        changes={
            "effective_at": lambda: FeeScheduleDraft.objects.update(effective_at=_next_day()),
            "minimum_fee_sats": written(FeeScheduleDraft, minimum_fee_sats=2),
            "maximum_fee_sats": written(FeeScheduleDraft, maximum_fee_sats=5_000),
            "verified_discount_bps": written(FeeScheduleDraft, verified_discount_bps=5_001),
            "recurring_discount_bps": written(FeeScheduleDraft, recurring_discount_bps=2_501),
            "platform_share_bps": written(FeeScheduleDraft, platform_share_bps=4_999),
            "community_share_bps": written(FeeScheduleDraft, community_share_bps=1_999),
            "override_cap_ppm": written(FeeScheduleDraft, override_cap_ppm=9_999),
            "brackets": written(FeeBracketDraft, base_rate_ppm=8_001),
            "note": written(FeeScheduleDraft, note="dearer"),
        },
        lock=locked(FeeScheduleDraft),
        meanwhile="note",
    ),
    "manual_resolution": Kind(
        propose=_resolution,
        constant=frozenset({"disbursement"}),
        changes={
            "subject": written(Disbursement, subject="cycle:binta"),
            "attempt": written(Attempt, number=2),
            "resolution": _another_resolution,
            "rail": written(PaymentOrder, rail="wave"),
            "reference": written(PaymentOrder, reference="00" * 32),
            "payee_digest": written(PaymentOrder, payee_digest="another node"),
            "amount": lambda: PaymentOrder.objects.update(amount=F("amount") + 1),
            "currency": written(PaymentOrder, currency="XOF"),
            "proposed_end": written(ManualResolution, verdict="not_paid", proof="", cost=None),
            "proof": written(ManualResolution, proof="00" * 32),
            "cost": written(ManualResolution, cost=1_501),
            "outside_says": _answer(outcome="in-flight"),
            "evidence": _answer(evidence={"code": "OK"}),
        },
        lock=locked(Disbursement),
        meanwhile="outside_says",
    ),
    "payment_reversal": Kind(
        propose=_reversal,
        constant=frozenset({"disbursement"}),
        changes={
            "subject": written(Disbursement, subject="cycle:binta"),
            "claim": _another_claim,
            "rail": written(PaymentOrder, rail="wave"),
            "reference": written(PaymentOrder, reference="00" * 32),
            "payee_digest": written(PaymentOrder, payee_digest="another node"),
            "amount": lambda: PaymentOrder.objects.update(amount=F("amount") + 1),
            "currency": written(PaymentOrder, currency="XOF"),
            "payout_msat": written(Disbursement, payout_msat=100_001_000, net_msat=99_001_000),
            "return_kind": written(ReturnClaim, kind="inbound_payment"),
            "return_reference": written(ReturnClaim, reference="line-2"),
            "returned_on": written(ReturnClaim, returned_on=NOW.date()),
            "arrived_in": written(ReturnClaim, arrived_in="node:msat"),
        },
        lock=locked(Disbursement),
        meanwhile="claim",
    ),
    "payment_limit": Kind(
        propose=_limit,
        constant=frozenset(),
        changes={
            "kind": _written_limit(kind="total_hour"),
            "amount_sats": _written_limit(amount_sats=10**9 + 1),
            "in_force_sats": lambda: PaymentLimit.objects.update(amount_sats=F("amount_sats") + 1),
            "in_force_version": _another_limit,
            "reason": _written_limit(reason="another reason"),
        },
        lock=lambda: lock(sql.LIMITS_LOCK),
        meanwhile="in_force_version",
    ),
    "payment_exception": Kind(
        propose=_waiver,
        constant=frozenset(),
        changes={
            "subject": written(Disbursement, subject="cycle:binta"),
            "net_sats": lambda: Disbursement.objects.update(
                net_msat=F("net_msat") - 1_000, fee_msat=F("fee_msat") + 1_000
            ),
            "payee": written(Disbursement, payee_ref="user:binta"),
            "rail": written(DisbursementDestination, rail="wave"),
            "destination_kind": written(DisbursementDestination, kind="phone"),
            "destination_digest": _another_destination,
        },
        lock=locked(Disbursement),
        meanwhile="destination_digest",
    ),
    "treasury_movement": Kind(
        propose=_movement,
        constant=frozenset({"other_account"}),
        changes={
            "kind": _written_movement(kind="bitcoin_sale"),
            "treasury_account": _written_movement(account_role="node", account_owner=""),
            "amount_msat": _written_movement(amount=1_001),
            "charges_msat": _written_movement(cost=2),
            "exchanged_xof": _written_movement(exchanged_xof=99),
            "happened_on": _written_movement(happened_on="2026-03-03"),
            "reference": _written_movement(reference="another"),
            "explanation": _written_movement(explanation="another"),
            "books_before_msat": _written_balance("books_before_msat", 1),
            "books_after_msat": _written_balance("books_after_msat", 1),
            "provider_balance_msat": _written_balance("provider_balance_msat", 1),
            "provider_balance_at": _written_balance("provider_balance_at", LATER.isoformat()),
        },
    ),
    "statement_item": Kind(
        propose=_resolved_difference,
        constant=frozenset({"item_resolution"}),
        changes={
            "statement_source": written(StatementItem, source="wave"),
            "item_code": written(StatementItem, code="statement_missing"),
            "item_reference": written(StatementItem, reference="another"),
            "item_subject": written(StatementItem, subject="disbursement:1"),
            "expected_xof": written(StatementItem, expected_xof=1),
            "found_xof": written(StatementItem, found_xof=-24),
            "at_stake_xof": written(StatementItem, at_stake_xof=24),
            "item_lines": written(StatementItem, lines=[]),
            "item_expectations": written(StatementItem, expected=[{"key": "attempt:1"}]),
            "reason_code": written(ItemResolution, reason_code="no_money_moved", movement=None),
            "movement": written(ItemResolution, reason_code="not_ours", movement=None),
            "explanation": written(ItemResolution, explanation="another"),
        },
        lock=lambda: lock(STATEMENTS_LOCK),
        meanwhile="found_xof",
    ),
    "provider_switch_on": Kind(
        propose=_switch_on,
        constant=frozenset({"provider"}),
        changes={
            "switched_off_at": written(ProviderSwitch, changed_at=LATER),
            "switched_off_by": written(ProviderSwitch, changed_by="another"),
            "switch_off_reason": written(ProviderSwitch, reason="another"),
            "switch_off_cause": written(ProviderSwitch, code="collector-credentials-refused"),
            "cause_detail": written(ProviderSwitch, facts={"rail": "lightning", "detail": "wallet closed"}),
        },
        lock=locked(ProviderSwitch),
        meanwhile="switch_off_reason",
    ),
    "receipt_issuer": Kind(
        propose=lambda: proposed_issuer(now=NOW),
        constant=frozenset(),
        changes={
            "legal_name": written(Issuer, legal_name="another"),
            "address": written(Issuer, address="another"),
            "ninea": written(Issuer, ninea="another"),
            "effective_at": written(Issuer, effective_at=LATER),
            "reason": written(Issuer, reason="another"),
        },
    ),
    "receipt_tax_rate": Kind(
        propose=lambda: proposed_tax_rate(1_800, now=NOW),
        constant=frozenset(),
        changes={
            "tax_rate_bps": written(TaxRate, rate_bps=1_801),
            "effective_at": written(TaxRate, effective_at=LATER),
            "reason": written(TaxRate, reason="another"),
        },
    ),
    "approval_band": Kind(
        propose=_band,
        constant=frozenset({"in_force_roles"}),
        changes={
            "proposal_kind": written(ApprovalBandRequest, kind="fee_schedule"),
            "from_amount_xof": written(ApprovalBandRequest, from_amount=1),
            "approvals_needed": written(ApprovalBandRequest, approvals_needed=2),
            "role": written(ApprovalBandRequest, role="finance"),
            "reason": written(ApprovalBandRequest, reason="another"),
            "in_force_approvals": lambda: _insert_band(from_amount=1, approvals_needed=2),
            "version_until_now": lambda: _insert_band(from_amount=5_000_000, approvals_needed=1),
        },
        lock=lambda: lock(APPROVAL_BAND),
        meanwhile="in_force_approvals",
    ),
    "float_minimum": Kind(
        propose=lambda: proposed_minimum(now=NOW),
        constant=frozenset(),
        changes={
            "partner_name": written(FloatMinimum, partner="orange"),
            "minimum_xof": written(FloatMinimum, minimum_xof=100_001),
            "minimum_days": written(FloatMinimum, minimum_days=4),
            "reason": written(FloatMinimum, reason="another"),
            "in_force_xof": lambda: _adopt_another_minimum(minimum_xof=1),
            "in_force_days": lambda: _adopt_another_minimum(minimum_days=1),
        },
        lock=lambda: lock(FLOAT_MINIMUM),
        meanwhile="in_force_xof",
    ),
    "group_verification": Kind(
        propose=_verification,
        constant=frozenset({"group"}),
        changes=GROUP_CHANGES,
        lock=locked(Group),
        meanwhile="settlement_partner",
    ),
    "group_verification_revocation": Kind(
        propose=_revocation,
        constant=frozenset({"group"}),
        changes=GROUP_CHANGES,
        lock=locked(Group),
        meanwhile="settlement_partner",
    ),
    **SETTLEMENT_KINDS,
}
