"""One call of every service that writes to the trail: what it needs is prepared, and the call is returned.

Each case can be prepared many times in one database.
"""

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import count
from typing import Any

from django.db import transaction
from django.test import Client
from django_celery_beat.models import PeriodicTask
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice
from knox.models import AuthToken

from fees import services as fees
from fees.enums import DiscountKind
from fees.models import FeeBracketDraft, FeeRecord, FeeScheduleDraft
from ledger.auditor import audit_and_guard
from ledger.enums import AccountRole, Currency
from ledger.services import approve_manual_rate, post, propose_manual_rate
from ledger.types import AccountRef, credit, debit, msat
from lightning.proto import lightning_pb2
from lightning.services import open_cursor, record_settlement, record_settlement_at_cursor
from partners.models import Settlement
from partners.settlements.services import batches, contests, decisions, payments, windows
from payouts.errors import CycleCancelled
from payouts.models import Contribution, Cycle, Refund
from payouts.services import (
    contributions,
    corrections,
    cycles,
    destinations,
    endings,
    erasure,
    exports,
    groups,
    members,
    payouts,
    proposals,
    refunds,
    reopening,
    reveals,
    winners,
    withdrawals,
)
from payouts.types import Claims
from sunusav.api.tokens import issue_token, revoke_tokens
from sunusav.backoffice.actions import Decision
from sunusav.backoffice.list_exports import ask_for_export, prepare_exports
from sunusav.backoffice.management.commands.enrol_totp import enrol
from sunusav.backoffice.search import search
from sunusav.backoffice.tokens import revoke_token
from sunusav.core import (
    approvals,
    attachments,
    second_factor,
    second_factor_resets,
    staff_sessions,
    switches,
    wrong_codes,
)
from sunusav.core.actors import Actor
from sunusav.core.band_services import BandValue
from sunusav.core.exporting.preparing import prepare_next
from sunusav.core.exporting.requests import cancel_export, delete_expired, record_download, request_export
from sunusav.core.models import Export, ExportState, Proposal, Switch, User
from sunusav.core.privacy import seal
from sunusav.core.roles import Role, sync_roles
from sunusav.core.schedules import sync_schedules
from tests.core.export_world import source
from tests.factories.attachments import attached, upload
from tests.factories.bands import proposed_band
from tests.factories.floats import adopt_minimum, proposed_minimum
from tests.factories.payouts import (
    ACTOR,
    NOW,
    MemberFactory,
    make_cycle,
    make_group,
    make_payable_cycle,
    make_ready_cycle,
    pay_contribution,
    pay_contributions,
    process,
    verify,
)
from tests.factories.receipts import adopt, proposed_issuer, proposed_tax_rate, set_issuer
from tests.factories.settlements import (
    account_of_another,
    another_partner,
    approved,
    closed,
    contested,
    proposed_account,
    rate_of,
    seen_of,
)
from tests.factories.statements import imported, make_format
from tests.factories.treasury import BANK, NODE, book, evidence
from tests.factories.users import make_session, make_user
from tests.fakes.franc_rail import ScriptedWaveRail
from tests.fakes.rail import invoice
from tests.support.tampering import sql
from tests.transfers.builders import NET_SATS, fund, ordered, request_for, run
from tests.transfers.collecting import DUE_MSAT, opened, received
from tests.transfers.rails import SteeredCollector, SteeredRail, Watch
from tests.transfers.resolution_cases import PAID, SEEN, Case
from transfers.collectors import collector
from transfers.engine.runner import run_due
from transfers.enums import CollectionState, FailureClass, MismatchCode, ReturnKind, TreasuryKind
from transfers.errors import CollectorCredentialsRefused
from transfers.matching import MatchReport, Mismatch
from transfers.models import (
    Attempt,
    Collection,
    Disbursement,
    ProviderSwitch,
    StatementFormat,
    StatementImport,
    StatementItem,
    WithdrawalLink,
)
from transfers.rails import rail
from transfers.services import (
    cancellations,
    collections,
    credit_transfers,
    disbursements,
    issuing,
    limit_waivers,
    limits,
    matching,
    receipt_links,
    receipts,
    reconciliation,
    returns,
    reversals,
    treasury,
)
from transfers.services import credit as member_credit
from transfers.services import switches as provider_switches
from transfers.services import withdrawals as links
from transfers.statements import imports, items, keeping
from transfers.statements import matching as statement_matching
from transfers.types import (
    Choice,
    CollectedPayment,
    CollectionStatus,
    Movement,
    Refused,
    Reversed,
    credit_of,
    member_ref,
)

Call = Callable[[], Any]
CASES: dict[str, Callable[[], Call]] = {}
# Rows that a service commits before the transaction that writes to the trail, and why.
COMMITTED_BEFORE: dict[str, set[str]] = {}
# Services that store an error for a later try, where others raise it, with a check that nothing was completed.
STORED_ERRORS: dict[str, Callable[[], bool]] = {}
_numbers = count(1)
SETTLED_MONTH = NOW - timedelta(days=10)


def case(
    service: str,
    *,
    committed_before: tuple[str, ...] = (),
    is_left_for_later: Callable[[], bool] | None = None,
) -> Callable[[Callable[[], Call]], Callable[[], Call]]:
    """Register the case of a service, by its module and name."""

    def register(prepare: Callable[[], Call]) -> Callable[[], Call]:
        CASES[service] = prepare
        COMMITTED_BEFORE[service] = set(committed_before)
        if is_left_for_later is not None:
            STORED_ERRORS[service] = is_left_for_later
        return prepare

    return register


def name(kind: str) -> str:
    return f"{kind}-{next(_numbers)}"


def later() -> datetime:
    return NOW + timedelta(days=30)


def finance() -> User:
    return make_user(Role.FINANCE)


def approver() -> User:
    return make_user(Role.APPROVER)


def node() -> SteeredRail:
    found = rail("lightning")
    assert isinstance(found, SteeredRail)
    return found


def close_proposals() -> None:
    """Close the proposals that earlier cases left open."""
    Proposal.objects.filter(state="open").update(state="withdrawn", decided_at=NOW)


def pause() -> None:
    close_proposals()
    switches.pause_outgoing(actor=ACTOR, reason=name("odd node"), now=NOW)


def resume() -> None:
    """Let money leave, of this case alone: what earlier cases left is due later."""
    Switch.objects.update(is_open=True)
    Disbursement.objects.exclude(due_at=None).update(due_at=later())


def approved_by_another(proposal: Proposal) -> Call:
    who = approver()
    return lambda: approvals.approve(proposal_id=proposal.pk, approver=who, digest=proposal.digest, now=NOW)


def payable() -> Cycle:
    resume()
    return make_payable_cycle(make_group(members=2), net_sats=19_800)


def refused_payment() -> int:
    """Return a payment that the rail refused for good."""
    resume()
    node().script.append(Refused(reason="odd", failure=FailureClass.FINAL))
    disbursement_id = ordered(name("winner"))
    run(Watch(NOW))
    return disbursement_id


def deferred_payment() -> int:
    """Return a payment that waits because its destination was another payee's."""
    resume()
    disbursement_id = ordered(name("winner"), destination_replaced_at=NOW)
    run(Watch(NOW))
    return disbursement_id


def unknown_payment() -> Case:
    """Return a payment under review whose outcome is unknown."""
    resume()
    return Case(node(), Watch(NOW), name=name("winner"))


def in_flight_payment() -> int:
    resume()
    node().script.append(SEEN)
    disbursement_id = ordered(name("winner"))
    run(Watch(NOW))
    return disbursement_id


def link_of(subject: str) -> tuple[str, int]:
    """Open a withdrawal link; return its secret and id."""
    resume()
    with transaction.atomic():
        opened_link = links.open_withdrawal(
            subject=subject, rail="lightning", amount_sats=19_800, actor=ACTOR, now=NOW
        )
    return opened_link.secret, WithdrawalLink.objects.latest("pk").pk


def redeemed_link(subject: str = "") -> int:
    secret, pk = link_of(subject or f"cycle:{name('c')}")
    given = invoice(name("wallet"), 19_800)
    links.redeem_withdrawal(secret=secret, kind=given.kind, value=given.value, now=NOW)
    return pk


def superuser() -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_user(is_staff=True, is_superuser=True, is_service=False))
    return client


def staff() -> User:
    return make_user(is_staff=True, is_service=False)


# core


def with_authenticator() -> User:
    user = staff()
    TOTPDevice.objects.create(user=user, name="authenticator", confirmed=True)
    return user


@case("sunusav.core.second_factor.enrol_authenticator")
def enrol_authenticator() -> Call:
    user, key = with_authenticator(), second_factor.make_key()
    replaces = second_factor.authenticator_of(user)
    code = f"{totp(bytes.fromhex(key)):06}"
    return lambda: second_factor.enrol_authenticator(user, key=key, code=code, replaces=replaces, now=NOW)


@case("sunusav.core.second_factor.make_recovery_codes")
def make_recovery_codes() -> Call:
    user = with_authenticator()
    return lambda: second_factor.make_recovery_codes(user, now=NOW)


@case("sunusav.core.second_factor.use_code", committed_before=("LoginAttempt",))
def use_code() -> Call:
    user = with_authenticator()
    [code, *_] = second_factor.make_recovery_codes(user, now=NOW)
    return lambda: second_factor.use_code(user, code, limits=second_factor.limits_in_sessions(user), now=NOW)


@case("sunusav.core.wrong_codes.report_wrong_codes")
def report_wrong_codes() -> Call:
    user = with_authenticator()
    return lambda: wrong_codes.report_wrong_codes(user, wrong_codes=5, address="192.0.2.7", now=NOW)


@case("sunusav.core.second_factor_resets.propose_reset")
def propose_reset() -> Call:
    user, who = with_authenticator(), make_user(Role.OPERATOR)
    return lambda: second_factor_resets.propose_reset(user_pk=user.pk, reason="lost", proposer=who, now=NOW)


@case("sunusav.core.second_factor_resets.reset_second_factor")
def reset_second_factor() -> Call:
    user, who, second = with_authenticator(), make_user(Role.OPERATOR), approver()
    proposal = second_factor_resets.propose_reset(user_pk=user.pk, reason="lost", proposer=who, now=NOW)
    return lambda: approvals.approve(
        proposal_id=proposal.pk, approver=second, digest=proposal.digest, now=NOW
    )


@case("sunusav.core.staff_sessions.end_session")
def end_session() -> Call:
    user = staff()
    row = make_session(user, now=NOW)
    return lambda: staff_sessions.end_session(session_id=row.pk, by=user, now=NOW)


@case("sunusav.core.staff_sessions.end_sessions")
def end_sessions() -> Call:
    user = staff()
    make_session(user, now=NOW)
    return lambda: staff_sessions.end_sessions(user, by=user, now=NOW)


@case("sunusav.core.approvals.propose")
def propose() -> Call:
    group = make_group(members=1)
    who = finance()
    stale = approvals.propose(kind="group_verification", subject_id=group.pk, proposer=who, now=NOW)
    type(group).objects.filter(pk=group.pk).update(name=f"{group.name} 2")
    return lambda: approvals.propose(
        kind=stale.kind, subject_id=group.pk, proposer=who, now=NOW, reason="papers seen"
    )


def verification() -> Proposal:
    return groups.propose_verification(
        group_id=make_group(members=1).pk, proposer=finance(), reason="papers seen", now=NOW
    )


@case("sunusav.core.approvals.approve")
def approve() -> Call:
    return approved_by_another(verification())


@case("sunusav.core.approvals.reject")
def reject() -> Call:
    proposal, who = verification(), approver()
    return lambda: approvals.reject(proposal_id=proposal.pk, approver=who, reason="no papers", now=NOW)


@case("sunusav.core.approvals.withdraw")
def withdraw() -> Call:
    proposal = verification()
    return lambda: approvals.withdraw(proposal_id=proposal.pk, proposer=proposal.proposer, now=NOW)


@case("sunusav.core.switches.pause_outgoing")
def pause_outgoing() -> Call:
    resume()
    return lambda: switches.pause_outgoing(actor=ACTOR, reason="odd node", now=NOW)


@case("sunusav.core.switches.resume_outgoing")
def resume_outgoing() -> Call:
    pause()
    proposal = approvals.propose(kind="outgoing_resume", subject_id="outgoing", proposer=finance(), now=NOW)
    return approved_by_another(proposal)


# the API and the back office


@case("sunusav.api.tokens.issue_token")
def issue() -> Call:
    sync_roles()
    service = name("service")
    return lambda: issue_token(name=service, role=Role.PLATFORM, actor=ACTOR, now=NOW)


@case("sunusav.api.tokens.revoke_tokens")
def revoke_all() -> Call:
    user = make_user(Role.PLATFORM)
    AuthToken.objects.create(user=user)
    return lambda: revoke_tokens(name=user.get_username(), actor=ACTOR, now=NOW)


@case("sunusav.backoffice.tokens.revoke_token")
def revoke_one() -> Call:
    token, _ = AuthToken.objects.create(user=make_user(Role.PLATFORM))
    decision = Decision(row=token, name="", user=staff(), seen="", form_data={}, now=NOW)
    return lambda: revoke_token(decision)


@case("sunusav.backoffice.management.commands.enrol_totp.enrol")
def enrol_device() -> Call:
    user = staff()
    TOTPDevice.objects.create(user=user, name="lost")
    return lambda: enrol(user.get_username(), replaces=True)


@case("sunusav.backoffice.people.PersonAdmin")
def edit_person() -> Call:
    client, user = superuser(), staff()
    form = {
        "username": user.get_username(),
        "first_name": "Awa",
        "last_name": "",
        "email": "",
        "is_staff": "on",
    }
    return lambda: client.post(f"/admin/core/user/{user.pk}/change/", form)


@case("sunusav.backoffice.people.PersonAdmin.user_change_password")
def change_password() -> Call:
    client, user = superuser(), staff()
    form = {"usable_password": "true", "password1": "gxq-7-tontine", "password2": "gxq-7-tontine"}
    return lambda: client.post(f"/admin/core/user/{user.pk}/password/", form)


@case("sunusav.backoffice.schedules.ScheduleAdmin")
def edit_schedule() -> Call:
    sync_schedules()
    client, row = superuser(), PeriodicTask.objects.get(name="process due payouts")
    form = {"description": name("text"), "unit": "minutes", "every": 10}
    return lambda: client.post(f"/admin/django_celery_beat/periodictask/{row.pk}/change/", form)


@case("sunusav.backoffice.schedules.ScheduleAdmin.delete_model")
def delete_schedule() -> Call:
    sync_schedules()
    shipped = PeriodicTask.objects.get(name="process due payouts")
    row = PeriodicTask.objects.create(name=name("ours"), task=shipped.task, interval=shipped.interval)
    client = superuser()
    return lambda: client.post(f"/admin/django_celery_beat/periodictask/{row.pk}/delete/", {"post": "yes"})


# ledger


def rate_proposed() -> Proposal:
    close_proposals()
    return propose_manual_rate(
        rate_xof_per_btc=Decimal(60_000_000 + next(_numbers)), reason="no source", proposer=finance(), now=NOW
    )


@case("ledger.services.rates.propose_manual_rate")
def propose_rate() -> Call:
    close_proposals()
    who = finance()
    return lambda: propose_manual_rate(
        rate_xof_per_btc=Decimal(60_000_000), reason="no source", proposer=who, now=NOW
    )


@case("ledger.services.rates.record_manual_rate")
@case("ledger.services.rates.approve_manual_rate")
def approve_rate() -> Call:
    proposal, who = rate_proposed(), approver()
    return lambda: approve_manual_rate(proposal=proposal, approver=who, now=NOW)


@case("ledger.auditor.audit_and_guard")
def find_breaches() -> Call:
    resume()
    cycle = make_cycle(make_group(members=2))
    sql(
        "UPDATE payouts_cycle SET state = 'ready', ready_at = created_at, settled_count = 2 WHERE id = %s",
        cycle.pk,
    )
    return lambda: audit_and_guard(now=NOW)


# fees


def draft() -> FeeScheduleDraft:
    row = FeeScheduleDraft.objects.create(
        author=finance(), created_at=NOW, effective_at=later(), note="cheaper"
    )
    FeeBracketDraft.objects.create(draft=row, from_sats=0, base_rate_ppm=8_000)
    return row


@case("fees.services.propose_schedule")
def propose_fees() -> Call:
    row, who = draft(), finance()
    return lambda: fees.propose_schedule(draft_id=row.pk, proposer=who, now=NOW)


@case("fees.services.publish_schedule")
def publish_fees() -> Call:
    return approved_by_another(fees.propose_schedule(draft_id=draft().pk, proposer=finance(), now=NOW))


@case("fees.services.discard_draft")
def discard_fees() -> Call:
    row = draft()
    return lambda: fees.discard_draft(draft_id=row.pk, actor=ACTOR, reason="a mistake", now=NOW)


def discount(holder: str) -> None:
    fees.grant_discount(
        holder=holder, kind=DiscountKind.SUBSCRIPTION, discount_bps=None, starts_at=NOW, ends_at=later(),
        granted_for="test", actor=ACTOR, now=NOW,
    )  # fmt: skip


@case("fees.services.grant_discount")
def grant() -> Call:
    """Grant one after another that has ended, which is closed by it."""
    holder = f"user:{name('u')}"
    discount(holder)
    return lambda: fees.grant_discount(
        holder=holder, kind=DiscountKind.SUBSCRIPTION, discount_bps=None, starts_at=later(), ends_at=None,
        granted_for="test", actor=ACTOR, now=NOW,
    )  # fmt: skip


@case("fees.services.revoke_discount")
def revoke() -> Call:
    holder = f"user:{name('u')}"
    discount(holder)
    return lambda: fees.revoke_discount(holder=holder, kind=DiscountKind.SUBSCRIPTION, actor=ACTOR, now=NOW)


@case("fees.services.reverse_fee")
def reverse_a_fee() -> Call:
    resume()
    ordered(name("winner"))
    run(Watch(NOW))
    record = FeeRecord.objects.latest("pk")
    return lambda: fees.reverse_fee(record_id=record.pk, actor=ACTOR, reason="a mistake", now=NOW)


# transfers: money in


@case("transfers.services.collections.open_collection", committed_before=("Collection",))
def open_one() -> Call:
    """The request is committed before its collector is called."""
    subject = f"contribution:{name('x')}"
    return lambda: opened(subject)


@case("transfers.services.receipts.record_receipt")
def receive() -> Call:
    facts = opened(f"contribution:{name('x')}")
    return lambda: received(facts)


def due_collection() -> int:
    """Return a collection that its collector reports as paid in full."""
    facts = opened(f"contribution:{name('x')}")
    till = collector("lightning")
    assert isinstance(till, SteeredCollector)
    till.received[facts.reference] = DUE_MSAT
    Collection.objects.exclude(pk=facts.id).update(ask_at=None)
    Collection.objects.filter(pk=facts.id).update(ask_at=NOW)
    return facts.id


@case("transfers.services.collections.reconcile_collection")
def reconcile() -> Call:
    pk = due_collection()
    return lambda: collections.reconcile_collection(pk, now=NOW)


@case("transfers.services.collections.sweep_collections", committed_before=("Collection",))
def sweep() -> Call:
    """A collection is made due again in a minute before its collector is queried."""
    due_collection()
    return lambda: collections.sweep_collections(now=NOW)


@case("transfers.services.cancellations.cancel_collection")
def cancel_one() -> Call:
    facts = opened(f"contribution:{name('x')}")
    return lambda: cancellations.cancel_collection(
        collection_id=facts.id, actor=ACTOR, reason="another method", now=NOW
    )


@case("transfers.services.receipts.record_payments")
def record_listed() -> Call:
    pk = due_collection()
    row = Collection.objects.get(pk=pk)
    status = CollectionStatus("settled", msat(DUE_MSAT), "", None)
    return lambda: receipts.record_payments(row, status, now=NOW)


@case("transfers.services.receipts.end_collection")
def end_one() -> Call:
    facts = opened(f"contribution:{name('x')}")
    received(facts, 1)
    row = Collection.objects.get(pk=facts.id)

    def ended() -> None:
        with transaction.atomic():
            receipts.end_collection(row, CollectionState.EXPIRED, "expire", actor=ACTOR, now=NOW)

    return ended


@case("transfers.services.receipts.record_payment")
def record_one() -> Call:
    facts = opened(f"contribution:{name('x')}")
    row = Collection.objects.get(pk=facts.id)
    payment = CollectedPayment(facts.reference, msat(DUE_MSAT), "", None)

    def recorded() -> None:
        with transaction.atomic():
            receipts.record_payment(row, payment, now=NOW)

    return recorded


@case("transfers.services.receipts.move_collection")
def move_one() -> Call:
    row = Collection.objects.get(pk=opened(f"contribution:{name('x')}").id)
    return lambda: receipts.move_collection(row, CollectionState.EXPIRED, "expire", actor=ACTOR, now=NOW)


def credited(amount_msat: int) -> str:
    """Return a member who has this credit."""
    user_id = name("user")
    node = AccountRef(AccountRole.NODE, Currency.MSAT)
    lines = [debit(node, amount_msat), credit(credit_of(user_id), amount_msat)]
    post(kind="test", reference=name("credit"), lines=lines, at=NOW, subject="test:1")
    return user_id


@case("transfers.services.credit.use_credit")
def use_some() -> Call:
    user_id, subject = credited(5), f"contribution:{name('x')}"
    into = AccountRef(AccountRole.GROUP_POT, Currency.MSAT, "cycle:c")
    return lambda: member_credit.use_credit(
        user_id=user_id, amount_msat=5, into=into, subject=subject, actor=ACTOR, now=NOW
    )


@case("transfers.services.credit.return_credit")
def return_some() -> Call:
    used = use_some()()
    return lambda: member_credit.return_credit(subject=used.subject, actor=ACTOR, reason="test", now=NOW)


@case("transfers.services.credit.use_available_credit")
def use_what_there_is() -> Call:
    user_id, subject = credited(5_000), f"contribution:{name('x')}"
    into = AccountRef(AccountRole.GROUP_POT, Currency.MSAT, "cycle:c")

    def used() -> None:
        with transaction.atomic():
            member_credit.use_available_credit(
                user_id=user_id, up_to_msat=9_000, into=into, subject=subject, actor=ACTOR, now=NOW
            )

    return used


@case("transfers.services.credit.return_used_credit")
def return_what_is_used() -> Call:
    used = use_some()()

    def returned() -> None:
        with transaction.atomic():
            member_credit.return_used_credit(subject=used.subject, actor=ACTOR, reason="test", now=NOW)

    return returned


@case("transfers.services.collections.make_way")
def make_way() -> Call:
    """Ask by another method, while a request that nobody saw was stored and not opened."""
    subject = f"contribution:{name('x')}"
    with transaction.atomic():
        collections.request_collection(
            subject=subject, due=msat(DUE_MSAT), method="lightning", credit=credit_of("awa"),
            overpaid=credit_of("awa"), memo="", now=NOW,
        )  # fmt: skip
    return lambda: collections.make_way(subject=subject, method="wave", actor=ACTOR, now=NOW)


@case("transfers.services.collections.announce_collection")
def announce() -> Call:
    stored = collections.request_collection(
        subject=f"contribution:{name('x')}", due=msat(DUE_MSAT), method="lightning", credit=credit_of("awa"),
        overpaid=credit_of("awa"), memo="", now=NOW,
    )  # fmt: skip
    return lambda: collections.announce_collection(stored, actor=ACTOR, now=NOW)


@case("transfers.services.cancellations.withdraw_collections")
def withdraw_some() -> Call:
    facts = opened(f"contribution:{name('x')}")

    def withdrawn() -> None:
        with transaction.atomic():
            cancellations.withdraw_collections(subjects=[facts.subject], actor=ACTOR, reason="test", now=NOW)

    return withdrawn


# transfers: money out


@case("transfers.services.disbursements.request_disbursement")
def request() -> Call:
    resume()
    wanted = request_for(name("winner"))
    fund(wanted.subject)
    return lambda: disbursements.request_disbursement(request=wanted, actor=ACTOR, now=NOW)


@case("transfers.services.disbursements.begin_disbursement")
@case("transfers.services.disbursements.expedite_disbursement")
def expedite() -> Call:
    resume()
    pk = ordered(name("winner"), scheduled_at=later())
    return lambda: disbursements.expedite_disbursement(disbursement_id=pk, actor=ACTOR, now=NOW)


@case("transfers.services.disbursements.replace_destinations")
def redirect() -> Call:
    pk, other = refused_payment(), invoice(name("other"), NET_SATS)
    return lambda: disbursements.replace_destinations(
        disbursement_id=pk, choices=[Choice(other)], actor=ACTOR, now=NOW
    )


@case("transfers.services.matching.record_match")
def record_a_match() -> Call:
    report = MatchReport("lightning", NOW, mismatches_found=1)
    report.mismatches.append(Mismatch(f"{next(_numbers):064x}", MismatchCode.PAID_NOT_BOOKED))
    return lambda: matching.record_match(report, clock=lambda: NOW)


@case("transfers.services.matching.match_rails")
def match_rails() -> Call:
    node = rail("lightning")
    assert isinstance(node, SteeredRail)
    node.paid[f"{next(_numbers):064x}"] = 1_000
    return lambda: matching.match_rails(["lightning"], clock=lambda: NOW)


def confirm_unpaid() -> None:
    """Let a worker ask about refused orders once more, when no send of them can leave any more."""
    run_due(slots=1, clock=lambda: NOW + timedelta(seconds=30))


@case("transfers.services.disbursements.retry_disbursement")
def retry() -> Call:
    pk = refused_payment()
    return lambda: disbursements.retry_disbursement(
        disbursement_id=pk, actor=ACTOR, reason="the wallet is back", now=NOW
    )


@case("transfers.services.disbursements.cancel_disbursement")
def cancel() -> Call:
    pk = refused_payment()
    confirm_unpaid()
    return lambda: disbursements.cancel_disbursement(
        disbursement_id=pk, actor=ACTOR, reason="called off", now=NOW
    )


@case("transfers.services.reconciliation.query_now")
def query_now() -> Call:
    pk = in_flight_payment()
    return lambda: reconciliation.query_now(disbursement_id=pk, actor=ACTOR, now=NOW)


@case("transfers.services.limits.propose_limit")
def propose_limit() -> Call:
    close_proposals()
    who = finance()
    return lambda: limits.propose_limit(
        kind="per_payout", amount_sats=10**9, reason="larger groups", proposer=who, now=NOW
    )


@case("transfers.services.limits.set_limit")
def set_limit() -> Call:
    close_proposals()
    return approved_by_another(
        limits.propose_limit(
            kind="per_payout", amount_sats=10**9, reason="larger groups", proposer=finance(), now=NOW
        )
    )


@case("transfers.services.switches.switch_off")
def switch_off() -> Call:
    ProviderSwitch.objects.all().delete()
    return lambda: provider_switches.switch_off(provider="wave", actor=ACTOR, reason="odd", now=NOW)


@case("transfers.services.switches.switch_off_for_credentials")
def switch_off_for_credentials() -> Call:
    ProviderSwitch.objects.all().delete()
    refusal = CollectorCredentialsRefused(collector="wave", detail="key revoked")
    return lambda: provider_switches.switch_off_for_credentials(refusal, asked_at=NOW, now=NOW)


@case("transfers.services.switches.ask_collector")
def ask_collector() -> Call:
    """Ask a collector that refuses our credentials."""
    ProviderSwitch.objects.all().delete()

    def refused() -> None:
        raise CollectorCredentialsRefused(collector="wave", detail="key revoked")

    def ask() -> None:
        with contextlib.suppress(CollectorCredentialsRefused):
            provider_switches.ask_collector(refused, now=NOW)

    return ask


@case("transfers.services.switches.set_switch")
def set_switch() -> Call:
    """It joins its caller's transaction."""
    ProviderSwitch.objects.all().delete()
    change = provider_switches.Change(is_on=False, reason="odd", said="odd")

    def switch() -> None:
        with transaction.atomic():
            row = provider_switches.locked_switch("wave")
            provider_switches.set_switch(row, change, actor=ACTOR, now=NOW)

    return switch


@case("transfers.services.limit_waivers.propose_waiver")
def propose_waiver() -> Call:
    pk, who = deferred_payment(), finance()
    return lambda: limit_waivers.propose_waiver(disbursement_id=pk, proposer=who, reason="I called", now=NOW)


@case("transfers.services.limit_waivers.grant_waiver")
def grant_waiver() -> Call:
    return approved_by_another(
        limit_waivers.propose_waiver(
            disbursement_id=deferred_payment(), proposer=finance(), reason="I called", now=NOW
        )
    )


def surplus() -> Movement:
    return Movement(TreasuryKind.SURPLUS, NODE, 1_000)


@case("transfers.services.treasury.propose_movement")
def propose_movement() -> Call:
    given, who = evidence(), finance()
    return lambda: treasury.propose_movement(movement=surplus(), evidence=given, proposer=who, now=NOW)


@case("transfers.services.treasury.book_movement")
def book_movement() -> Call:
    return approved_by_another(
        treasury.propose_movement(movement=surplus(), evidence=evidence(), proposer=finance(), now=NOW)
    )


def difference(amount: str = "-25") -> int:
    """Return the open difference of a new line of the bank."""
    if not StatementFormat.objects.exists():
        make_format(now=NOW, source="bank")
    reference = name("line")
    imported((reference, amount), now=NOW, source="bank")
    return StatementItem.objects.get(reference=reference).pk


def booked_since() -> None:
    """Have a movement booked that explains a line of the bank."""
    reference = StatementItem.objects.get(pk=difference("25")).reference
    book(Movement(TreasuryKind.SURPLUS, BANK, 25), now=NOW, reference=reference)


@case("transfers.statements.keeping.save_format")
def save_statement_format() -> Call:
    who = finance()
    return lambda: make_format(now=NOW, source="bank", saver=who)


@case("transfers.statements.keeping.save_rule")
def save_matching_rule() -> Call:
    who, layout = finance(), {"tolerance_xof": Decimal(0), "days": 1, "text": "", "is_on": True}
    return lambda: keeping.save_rule(
        source="bank", name="fees", layout=layout, reason="monthly", saver=who, now=NOW
    )


@case("transfers.statements.imports.import_statement")
def import_statement() -> Call:
    difference()
    who, reference = finance(), name("line")
    return lambda: imported((reference, "-25"), now=NOW, source="bank", importer=who)


@case("transfers.statements.imports.record_closing_balance")
def record_closing_balance() -> Call:
    difference()
    who, row = finance(), StatementImport.objects.latest("pk")
    return lambda: imports.record_closing_balance(
        statement=row, closing_xof=25, reason="mistyped", recorder=who, now=NOW
    )


@case("transfers.statements.imports.match_again")
def match_again() -> Call:
    booked_since()
    return lambda: imports.match_again(now=NOW)


@case("transfers.statements.matching.match_source")
def match_source() -> Call:
    booked_since()
    return transaction.atomic(lambda: statement_matching.match_source("bank", now=NOW))


@case("transfers.statements.items.take_item")
def take_difference() -> Call:
    item_id, who = difference(), finance()
    return lambda: items.take_item(item_id=item_id, taker=who, now=NOW)


@case("transfers.statements.items.give_item")
def give_difference() -> Call:
    item_id, who, to = difference(), finance(), finance().get_username()
    return lambda: items.give_item(item_id=item_id, owner=to, giver=who, reason="knows it", now=NOW)


@case("transfers.statements.items.comment_item")
def comment_difference() -> Call:
    item_id, who = difference(), finance()
    return lambda: items.comment_item(item_id=item_id, author=who, text="asked the bank", now=NOW)


def proposed_resolution(item_id: int, who: User) -> Proposal:
    return items.propose_resolution(
        item_id=item_id, reason_code="not_ours", explanation="of another account", proposer=who, now=NOW
    )


@case("transfers.statements.items.propose_resolution")
def propose_resolution_of_difference() -> Call:
    item_id, who = difference(), finance()
    return lambda: proposed_resolution(item_id, who)


@case("transfers.statements.items.resolve_item")
def resolve_difference() -> Call:
    return approved_by_another(proposed_resolution(difference(), finance()))


def paid_payment() -> int:
    resume()
    disbursement_id = ordered(name("winner"))
    run(Watch(NOW))
    return disbursement_id


def output() -> str:
    """Return another output of a transaction, to our on-chain wallet."""
    return f"{sha256(name('line').encode()).hexdigest()}:0"


def returned() -> Proposal:
    """Let one person propose that a payment came back."""
    return reversals.propose_reversal(
        disbursement_id=paid_payment(), kind=ReturnKind.BANK_LINE, reference=output(),
        explanation="the statement shows it", proposer=finance(), now=NOW,
    )  # fmt: skip


@case("transfers.services.reversals.book_provider_reversal")
def book_provider_reversal() -> Call:
    attempt = Attempt.objects.get(disbursement_id=paid_payment())
    found = Reversed(name("reversal"), attempt.order.money(attempt.order.amount), NOW)
    return lambda: reversals.book_provider_reversal(attempt.pk, found, now=NOW)


@case("transfers.services.reversals.propose_reversal")
def propose_reversal() -> Call:
    disbursement_id, who, line = paid_payment(), finance(), output()
    return lambda: reversals.propose_reversal(
        disbursement_id=disbursement_id, kind=ReturnKind.BANK_LINE, reference=line,
        explanation="the statement shows it", proposer=who, now=NOW,
    )  # fmt: skip


@case("transfers.services.returns.request_return", committed_before=("Collection",))
def request_return() -> Call:
    disbursement_id = paid_payment()
    return lambda: returns.request_return(
        disbursement_id=disbursement_id, actor=ACTOR, reason="sent twice", now=NOW
    )


@case("transfers.services.reversals.apply_reversal")
def apply_reversal() -> Call:
    return approved_by_another(returned())


@case("transfers.services.resolutions.propose_resolution")
def propose_resolution() -> Call:
    unknown = unknown_payment()
    return lambda: unknown.propose(PAID)


@case("transfers.engine.resolving.apply_resolution")
def resolve() -> Call:
    unknown = unknown_payment()
    proposal = unknown.propose(PAID)
    return lambda: unknown.approve(proposal)


# transfers: withdrawal links


@case("transfers.services.withdrawals.redeem_withdrawal")
def redeem() -> Call:
    secret, _ = link_of(f"cycle:{name('c')}")
    given = invoice(name("wallet"), 19_800)
    return lambda: links.redeem_withdrawal(secret=secret, kind=given.kind, value=given.value, now=NOW)


@case("transfers.services.withdrawals.revoke_withdrawal")
def revoke_link() -> Call:
    subject = f"cycle:{name('c')}"
    link_of(subject)
    return lambda: links.revoke_withdrawal(subject=subject, actor=ACTOR, now=NOW)


@case("transfers.services.withdrawals.end_withdrawal")
def end_link() -> Call:
    cycle = payable()
    withdrawals.open_withdrawal_link(cycle_id=cycle.pk, actor=ACTOR, now=NOW)

    def ended() -> None:
        with transaction.atomic():
            links.end_withdrawal(
                subject=f"cycle:{cycle.pk}", why=CycleCancelled(cycle_id=cycle.pk, cycle_status="cancelled"),
                actor=ACTOR, now=NOW,
            )  # fmt: skip

    return ended


@case("transfers.services.withdrawals.expire_withdrawals")
def expire_links() -> Call:
    links.expire_withdrawals(now=later())
    link_of(f"cycle:{name('c')}")
    return lambda: links.expire_withdrawals(now=later())


# payouts


@case("payouts.services.groups.create_group")
def create_group() -> Call:
    group_id = name("group")
    return lambda: groups.create_group(group_id=group_id, name="Médina", country="SN", actor=ACTOR, now=NOW)


@case("payouts.services.members.add_member")
def add_member() -> Call:
    group, user_id = make_group(members=1), name("user")
    return lambda: members.add_member(
        group_id=group.pk, user_id=user_id, display_name="Awa", phone="+221771234567", actor=ACTOR, now=NOW
    )


@case("payouts.services.members.remove_member")
def remove_member() -> Call:
    group = make_group(members=1)
    return lambda: members.remove_member(group_id=group.pk, user_id="user-0", actor=ACTOR, now=NOW)


@case("payouts.services.reveals.reveal_person")
def reveal_person() -> Call:
    make_payable_cycle(make_group(members=2), net_sats=19_800)
    return lambda: reveals.reveal_person(user_id="user-0", reason="a call", actor=ACTOR, now=NOW)


@case("sunusav.backoffice.search.search")
def search_by_phone() -> Call:
    make_group(members=1)
    user = make_user(Role.FINANCE)
    return lambda: search("+221771234567", user, now=NOW)


@case("payouts.services.members.change_member")
def change_member() -> Call:
    make_group(members=1)
    phone = f"+22177{next(_numbers):07}"
    return lambda: members.change_member(user_id="user-0", phone=phone, actor=ACTOR, now=NOW)


def erasure_proposed() -> Proposal:
    user_id = MemberFactory.create(user_id=name("user")).user_id
    return erasure.propose_erasure(user_id=user_id, reason="asked for it", proposer=finance(), now=NOW)


@case("payouts.services.erasure.propose_erasure")
def propose_erasure() -> Call:
    user_id, who = MemberFactory.create(user_id=name("user")).user_id, finance()
    return lambda: erasure.propose_erasure(user_id=user_id, reason="asked for it", proposer=who, now=NOW)


@case("payouts.services.exports.export_person")
def export_member() -> Call:
    user_id = MemberFactory.create().user_id
    return lambda: exports.export_person(user_id=user_id, reason="asked for it", actor=ACTOR, now=NOW)


@case("payouts.services.erasure.erase_member")
def erase_member() -> Call:
    return approved_by_another(erasure_proposed())


def correction_proposed() -> Proposal:
    user_id = MemberFactory.create(user_id=name("user")).user_id
    return corrections.propose_correction(
        user_id=user_id, display_name="Fatou Diop", reason="card seen", proposer=finance(), now=NOW
    )


@case("payouts.services.corrections.propose_correction")
def propose_correction() -> Call:
    user_id, who = MemberFactory.create(user_id=name("user")).user_id, finance()
    return lambda: corrections.propose_correction(
        user_id=user_id, display_name="Fatou Diop", reason="card seen", proposer=who, now=NOW
    )


@case("payouts.services.corrections.correct_as_approved")
def correct_member() -> Call:
    return approved_by_another(correction_proposed())


def heir_of_credit() -> tuple[str, str]:
    """Return a member with 10 msat of credit, and another person."""
    has, gets = (MemberFactory.create(user_id=name("user")).user_id for _ in range(2))
    lines = [debit(AccountRef(AccountRole.NODE, Currency.MSAT), 10), credit(credit_of(has), 10)]
    post(kind="test", reference=name("credit"), lines=lines, at=NOW, subject="test")
    return has, gets


@case("transfers.services.credit_transfers.propose_credit_transfer")
def propose_credit_transfer() -> Call:
    (has, gets), who = heir_of_credit(), finance()
    return lambda: credit_transfers.propose_credit_transfer(
        from_user_id=has, to_user_id=gets, reference="file 1", explanation="heir", proposer=who, now=NOW
    )


@case("transfers.services.credit_transfers.transfer_credit")
def transfer_credit() -> Call:
    return approved_by_another(propose_credit_transfer()())


@case("payouts.services.groups.change_group")
def change_group() -> Call:
    group = make_group(members=0)
    return lambda: groups.change_group(group_id=group.pk, name="Dakar", actor=ACTOR, now=NOW)


@case("payouts.services.groups.propose_verification")
def propose_group() -> Call:
    group, who = make_group(members=1), finance()
    return lambda: groups.propose_verification(group_id=group.pk, proposer=who, reason="seen", now=NOW)


@case("payouts.services.groups.verify_group")
def verify_one() -> Call:
    return approved_by_another(verification())


@case("payouts.services.groups.propose_verification_revocation")
def propose_revocation() -> Call:
    group, who = make_group(members=1), finance()
    verify(group)
    return lambda: groups.propose_verification_revocation(
        group_id=group.pk, proposer=who, reason="left", now=NOW
    )


@case("payouts.services.groups.revoke_verification")
def revoke_group() -> Call:
    group = make_group(members=1)
    verify(group)
    return approved_by_another(
        groups.propose_verification_revocation(group_id=group.pk, proposer=finance(), reason="left", now=NOW)
    )


@case("payouts.services.cycles.create_cycle")
def create_cycle() -> Call:
    group, cycle_id = make_group(members=2), name("cycle")
    return lambda: cycles.create_cycle(
        cycle_id=cycle_id, group_id=group.pk, cycle_index=1, contribution_sats=10_000, winner_user_id="user-0",
        actor=ACTOR, now=NOW,
    )  # fmt: skip


@case("payouts.services.cycles.set_destination")
def set_destination() -> Call:
    """Redirect a payout that failed."""
    cycle = payable()
    node().script.append(Refused(reason="odd", failure=FailureClass.FINAL))
    process(cycle)
    run(Watch(NOW))
    other = invoice(name("other"), 19_800)
    return lambda: cycles.set_destination(cycle_id=cycle.pk, destination=other, actor=ACTOR, now=NOW)


@case("payouts.services.contributions.open_contribution", committed_before=("Collection",))
def open_contribution() -> Call:
    cycle = make_cycle(make_group(members=2))
    return lambda: contributions.open_contribution(
        cycle_id=cycle.pk, user_id="user-0", method="lightning", actor=ACTOR, now=NOW
    )


@case("payouts.services.contributions.cancel_contribution")
def cancel_contribution() -> Call:
    cycle = make_cycle(make_group(members=2))
    owed = contributions.open_contribution(
        cycle_id=cycle.pk, user_id="user-0", method="lightning", actor=ACTOR, now=NOW
    )
    return lambda: contributions.cancel_contribution(
        cycle_id=cycle.pk, contribution_id=owed.id, actor=ACTOR, reason="another method", now=NOW
    )


@case("payouts.services.cycles.record_ready_cycles")
def record_ready() -> Call:
    pay_contributions(make_cycle(make_group(members=2)))
    return lambda: cycles.record_ready_cycles(now=NOW)


@case("payouts.services.cycles.mark_ready")
def mark_ready() -> Call:
    cycle = make_cycle(make_group(members=2))

    def marked() -> None:
        with transaction.atomic():
            cycles.mark_ready(cycle, settled_count=1, action="close_short", actor=ACTOR, reason="", now=NOW)

    return marked


@case("payouts.services.endings.cancel_cycle")
def cancel_cycle() -> Call:
    cycle = make_cycle(make_group(members=2))
    pay_contribution(cycle, "user-0")
    return lambda: endings.cancel_cycle(cycle_id=cycle.pk, reason="dissolved", actor=ACTOR, now=NOW)


@case("payouts.services.endings.close_cycle_short")
def close_cycle_short() -> Call:
    cycle = make_cycle(make_group(members=2))
    pay_contribution(cycle, "user-0")
    return lambda: endings.close_cycle_short(cycle_id=cycle.pk, reason="one left", actor=ACTOR, now=NOW)


@case("payouts.services.winners.exchange_winner")
def exchange_winner() -> Call:
    cycle = make_cycle(make_group(members=2))
    return lambda: winners.exchange_winner(
        cycle_id=cycle.pk, winner_user_id="user-1", reason="agreed", actor=ACTOR, now=NOW
    )


def refundable() -> str:
    """Return a member with 5,000 sats of credit."""
    resume()
    user_id = credited(5_000_000)
    seal(member_ref(user_id), "Awa")
    return user_id


@case("payouts.services.refunds.request_refund")
def request_refund() -> Call:
    user_id = refundable()
    return lambda: refunds.request_refund(
        user_id=user_id, amount_sats=5_000, destination=invoice(name("wallet"), 5_000), reason="left",
        actor=ACTOR, now=NOW,
    )  # fmt: skip


@case("payouts.services.refunds.cancel_refund")
def cancel_refund() -> Call:
    refund_id = request_refund()()
    user_id = Refund.objects.get(pk=refund_id).user_id
    return lambda: refunds.cancel_refund(
        user_id=user_id, refund_id=refund_id, reason="another wallet", actor=ACTOR, now=NOW
    )


def half_paid() -> str:
    """Return a cycle of two members, of whom one has paid."""
    cycle = make_cycle(make_group(members=2))
    pay_contribution(cycle, "user-0")
    return str(cycle.pk)


@case("payouts.services.proposals.propose_cancellation")
def propose_cancellation() -> Call:
    cycle_id, who = half_paid(), finance()
    return lambda: proposals.propose_cancellation(cycle_id=cycle_id, reason="test", proposer=who, now=NOW)


@case("payouts.services.proposals.cancel_as_approved")
def approve_cancellation() -> Call:
    return approved_by_another(propose_cancellation()())


@case("payouts.services.proposals.propose_short_closing")
def propose_short_closing() -> Call:
    cycle_id, who = half_paid(), finance()
    return lambda: proposals.propose_short_closing(cycle_id=cycle_id, reason="test", proposer=who, now=NOW)


@case("payouts.services.proposals.close_short_as_approved")
def approve_short_closing() -> Call:
    return approved_by_another(propose_short_closing()())


@case("payouts.services.proposals.propose_exchange")
def propose_exchange() -> Call:
    cycle_id, who = half_paid(), finance()
    return lambda: proposals.propose_exchange(
        cycle_id=cycle_id, winner_user_id="user-1", reason="agreed", proposer=who, now=NOW
    )


@case("payouts.services.proposals.exchange_as_approved")
def approve_exchange() -> Call:
    return approved_by_another(propose_exchange()())


@case("payouts.services.destinations.propose_destination")
def propose_destination() -> Call:
    cycle_id, who = half_paid(), finance()
    wallet = invoice(name("wallet"), 19_800)
    return lambda: destinations.propose_destination(
        cycle_id=cycle_id, destination=wallet, reason="lost the phone", proposer=who, now=NOW
    )


@case("payouts.services.destinations.set_destination_as_approved")
def approve_destination() -> Call:
    return approved_by_another(propose_destination()())


@case("payouts.services.proposals.propose_refund")
def propose_refund() -> Call:
    user_id, who = refundable(), finance()
    wallet = invoice(name("wallet"), 5_000)
    return lambda: proposals.propose_refund(
        user_id=user_id, amount_sats=5_000, destination=wallet, reason="left", proposer=who, now=NOW
    )


@case("payouts.services.proposals.refund_as_approved")
def approve_refund() -> Call:
    return approved_by_another(propose_refund()())


@case("payouts.services.payouts.request_payout")
def request_payout() -> Call:
    cycle = payable()
    return lambda: payouts.request_payout(cycle_id=cycle.pk, claims=Claims(), actor=ACTOR, now=NOW)


@case("payouts.services.payouts.schedule_payout")
def schedule_payout() -> Call:
    cycle = payable()
    return lambda: payouts.schedule_payout(cycle_id=cycle.pk, scheduled_at=later(), actor=ACTOR, now=NOW)


def refused_payout() -> tuple[int, User]:
    cycle = payable()
    node().script.append(Refused(reason="odd", failure=FailureClass.FINAL))
    payout_id = process(cycle)
    run(Watch(NOW))
    return payout_id, finance()


@case("payouts.services.payouts.retry_payout")
def retry_payout() -> Call:
    payout_id, user = refused_payout()
    return lambda: payouts.retry_payout(payout_id=payout_id, user=user, reason="again", now=NOW)


@case("payouts.services.payouts.cancel_payout")
def cancel_payout() -> Call:
    payout_id, user = refused_payout()
    confirm_unpaid()
    return lambda: payouts.cancel_payout(payout_id=payout_id, user=user, reason="called off", now=NOW)


def paid_payout() -> int:
    payout_id = process(payable())
    run(Watch(NOW))
    return payout_id


def returned_payout() -> tuple[int, Proposal]:
    """Let one person propose that a payout came back."""
    payout_id = paid_payout()
    proposal = payouts.propose_payout_reversal(
        payout_id=payout_id, kind=ReturnKind.BANK_LINE, reference=output(), reason="the statement shows it",
        user=finance(), now=NOW,
    )  # fmt: skip
    return payout_id, proposal


def reversed_payout() -> str:
    """Reverse a payout and return its cycle."""
    payout_id = paid_payout()
    attempt = Attempt.objects.get(disbursement_id=payout_id)
    found = Reversed(name("reversal"), attempt.order.money(attempt.order.amount), NOW)
    assert reversals.book_provider_reversal(attempt.pk, found, now=NOW)
    return str(attempt.disbursement.subject).removeprefix("cycle:")


@case("payouts.services.payouts.propose_payout_reversal")
def propose_payout_reversal() -> Call:
    payout_id, who, line = paid_payout(), finance(), output()
    return lambda: payouts.propose_payout_reversal(
        payout_id=payout_id, kind=ReturnKind.BANK_LINE, reference=line, reason="the statement shows it",
        user=who, now=NOW,
    )  # fmt: skip


@case("payouts.services.payouts.approve_payout_reversal")
def approve_payout_reversal() -> Call:
    (payout_id, proposal), approver = returned_payout(), make_user(Role.APPROVER)
    return lambda: payouts.approve_payout_reversal(
        payout_id=payout_id, proposal_id=proposal.pk, digest=proposal.digest, user=approver, now=NOW
    )


@case("payouts.services.reopening.propose_reopening")
def propose_reopening() -> Call:
    cycle_id, who = reversed_payout(), finance()
    return lambda: reopening.propose_reopening(
        cycle_id=cycle_id, reason="another wallet", proposer=who, now=NOW
    )


@case("payouts.services.reopening.reopen_cycle")
def reopen_cycle() -> Call:
    return approved_by_another(
        reopening.propose_reopening(
            cycle_id=reversed_payout(), reason="another wallet", proposer=finance(), now=NOW
        )
    )


@case("transfers.services.withdrawals.open_withdrawal")
@case("payouts.services.withdrawals.open_withdrawal_link")
def open_link() -> Call:
    resume()
    cycle = make_ready_cycle(make_group(members=2))
    return lambda: withdrawals.open_withdrawal_link(cycle_id=cycle.pk, actor=ACTOR, now=NOW)


@case("payouts.services.withdrawals.revoke_withdrawal_link")
def revoke_cycle_link() -> Call:
    cycle = make_ready_cycle(make_group(members=2))
    withdrawals.open_withdrawal_link(cycle_id=cycle.pk, actor=ACTOR, now=NOW)
    return lambda: withdrawals.revoke_withdrawal_link(cycle_id=cycle.pk, actor=ACTOR, now=NOW)


@case("transfers.services.withdrawals.record_taken", committed_before=("WithdrawalLink",))
@case("payouts.services.withdrawals.take_withdrawals", committed_before=("WithdrawalLink",))
def take_links() -> Call:
    """A link is made due again in a minute before its payout is requested."""
    cycle = make_ready_cycle(make_group(members=2))
    redeemed_link(f"cycle:{cycle.pk}")
    return lambda: withdrawals.take_withdrawals(now=NOW, cycle_id=cycle.pk)


@case("transfers.services.withdrawals.refuse_withdrawal", committed_before=("WithdrawalLink",))
def refuse_link() -> Call:
    """Take a link whose invoice no longer fits the net."""
    group = make_group(members=2)
    cycle = make_ready_cycle(group)
    redeemed_link(f"cycle:{cycle.pk}")
    verify(group)
    return lambda: withdrawals.take_withdrawals(now=NOW, cycle_id=cycle.pk)


# issued receipts


def settled_contribution() -> int:
    cycle = make_ready_cycle(make_group(members=2))
    return Contribution.objects.filter(cycle=cycle).latest("pk").pk


@case("transfers.services.issuing.issue_receipt")
@case("transfers.services.issuing.issued_row")
def issue_a_receipt() -> Call:
    set_issuer(now=NOW)
    key = settled_contribution()
    return lambda: issuing.issue_receipt(kind="contribution", key=key, actor=ACTOR, now=NOW)


@case("transfers.services.receipt_links.open_receipt_link")
def open_receipt_link() -> Call:
    set_issuer(now=NOW)
    key, user = settled_contribution(), make_user(Role.PLATFORM)
    return lambda: receipt_links.open_receipt_link(kind="contribution", key=key, user=user, now=NOW)


@case("transfers.services.receipt_links.revoke_receipt_link")
def revoke_receipt_link() -> Call:
    number = open_receipt_link()().receipt.number
    return lambda: receipt_links.revoke_receipt_link(number=number, actor=ACTOR, now=NOW)


def decide_open(kind: str) -> None:
    """Withdraw the open proposal of a kind of which one is open at a time."""
    for proposal in Proposal.objects.filter(kind=kind, state="open"):
        approvals.withdraw(proposal_id=proposal.pk, proposer=proposal.proposer, now=NOW)


@case("transfers.services.issuers.propose_issuer")
def propose_issuer() -> Call:
    decide_open("receipt_issuer")
    proposer = finance()
    return lambda: proposed_issuer(now=NOW, proposer=proposer)


@case("transfers.services.issuers.adopt_issuer")
def adopt_issuer() -> Call:
    decide_open("receipt_issuer")
    proposal, second = proposed_issuer(now=NOW), approver()
    return lambda: adopt(proposal, now=NOW, approver=second)


@case("transfers.services.issuers.propose_tax_rate")
def propose_tax_rate() -> Call:
    decide_open("receipt_tax_rate")
    proposer = finance()
    return lambda: proposed_tax_rate(1_800, now=NOW, proposer=proposer)


@case("transfers.services.issuers.adopt_tax_rate")
def adopt_tax_rate() -> Call:
    decide_open("receipt_tax_rate")
    proposal, second = proposed_tax_rate(1_800, now=NOW), approver()
    return lambda: adopt(proposal, now=NOW, approver=second)


@case("sunusav.core.band_services.propose_band")
def propose_band() -> Call:
    decide_open("approval_band")
    value, proposer = _new_band(), finance()
    return lambda: proposed_band(value, now=NOW, proposer=proposer)


@case("sunusav.core.band_services.adopt_band")
def adopt_band() -> Call:
    decide_open("approval_band")
    proposal, second = proposed_band(_new_band(), now=NOW), approver()
    return lambda: approvals.approve(
        proposal_id=proposal.pk, approver=second, digest=proposal.digest, now=NOW
    )


def _new_band() -> BandValue:
    approver()
    return BandValue("manual_rate", approvals_needed=1, currency="XOF", from_amount=next(_numbers))


# partners


@case("partners.services.floats.propose_float_minimum")
def propose_float_minimum() -> Call:
    decide_open("float_minimum")
    proposer = finance()
    return lambda: proposed_minimum(now=NOW, proposer=proposer)


@case("partners.services.floats.adopt_float_minimum")
def adopt_float_minimum() -> Call:
    decide_open("float_minimum")
    proposal, second = proposed_minimum(now=NOW), approver()
    return lambda: adopt_minimum(proposal, now=NOW, approver=second)


def settlement_due() -> str:
    """Return a partner to which fees accrued in a month that is over."""
    rate_of("8000000", at=SETTLED_MONTH)
    return another_partner(at=SETTLED_MONTH, now=NOW)


def approved_settlement() -> tuple[Settlement, payments.Approved]:
    row = closed(partner=settlement_due(), now=NOW)
    return row, approved(row, now=NOW)


@case("partners.settlements.services.accounts.propose_settlement_account")
def propose_settlement_account() -> Call:
    decide_open("settlement_account")
    proposer = finance()
    return lambda: proposed_account(now=NOW, proposer=proposer)


@case("partners.settlements.services.accounts.adopt_settlement_account")
def adopt_settlement_account() -> Call:
    decide_open("settlement_account")
    proposal, second = proposed_account(now=NOW), approver()
    return lambda: approvals.approve(
        proposal_id=proposal.pk, approver=second, digest=proposal.digest, now=NOW
    )


@case("partners.settlements.services.windows.close_window")
def close_window() -> Call:
    partner, proposer = settlement_due(), finance()
    return lambda: closed(partner=partner, now=NOW, proposer=proposer)


@case("partners.settlements.services.windows.approve_settlement")
def approve_settlement() -> Call:
    row, second = closed(partner=settlement_due(), now=NOW), approver()
    return lambda: approved(row, now=NOW, approver=second)


@case("partners.settlements.services.batches.propose_due")
def propose_due() -> Call:
    partner, proposer = settlement_due(), finance()
    return lambda: next(batches.propose_due(partner=partner, proposer=proposer.get_username(), now=NOW))


@case("partners.settlements.services.decisions.approve_shown")
def approve_shown() -> Call:
    row, second = closed(partner=settlement_due(), now=NOW), approver()
    seen = payments.Approved(*seen_of(row))
    return lambda: decisions.approve_shown(settlement_id=row.pk, seen=seen, approver=second, now=NOW)


@case("partners.settlements.services.decisions.reject_shown")
def reject_shown() -> Call:
    row, second = closed(partner=settlement_due(), now=NOW), approver()
    seen = payments.Approved(*seen_of(row))
    return lambda: decisions.reject_shown(
        settlement_id=row.pk, seen=seen, approver=second, reason="call them first", now=NOW
    )


@case("partners.settlements.services.windows.propose_again")
def propose_settlement_again() -> Call:
    row, _ = approved_settlement()
    account_of_another(row.partner, "+221779998877", now=NOW)
    proposer = finance()
    return lambda: windows.propose_again(
        settlement_id=row.pk, proposer=proposer, reason="a new account", now=NOW
    )


def wave() -> ScriptedWaveRail:
    found = rail("wave")
    assert isinstance(found, ScriptedWaveRail)
    return found


@case("partners.settlements.services.windows.cancel_failed")
def cancel_failed() -> Call:
    resume()
    row, seen = approved_settlement()
    user = finance()
    payments.execute_settlement(settlement_id=row.pk, seen=seen, user=user, now=NOW)
    wave().script.append(Refused(reason="odd", failure=FailureClass.FINAL))
    run(Watch(NOW))
    confirm_unpaid()
    row.refresh_from_db()
    return lambda: windows.cancel_failed(row, actor=Actor.of(user), reason="another account", now=NOW)


@case("partners.settlements.services.payments.execute_settlement")
def execute_settlement() -> Call:
    row, seen = approved_settlement()
    user = finance()
    return lambda: payments.execute_settlement(settlement_id=row.pk, seen=seen, user=user, now=NOW)


@case("partners.settlements.services.contests.record_contested_line")
def record_contested_line() -> Call:
    row, user = closed(partner=settlement_due(), now=NOW), finance()
    return lambda: contested(row, now=NOW, recorder=user)


@case("partners.settlements.services.contests.answer_contested_line")
def answer_contested_line() -> Call:
    line, user = contested(closed(partner=settlement_due(), now=NOW), now=NOW), finance()
    return lambda: contests.answer_contested_line(
        line_id=line.pk, is_upheld=True, answer="we reverse it", user=user, now=NOW
    )


@case("partners.settlements.services.payments.record_bank_payment")
def record_bank_payment() -> Call:
    row, seen = approved_settlement()
    book(Movement(TreasuryKind.CAPITAL_DEPOSIT, BANK, 10_000), now=NOW)
    line, user = payments.BankEvidence(name("line"), NOW.date(), "transfer", upload()), finance()
    return lambda: payments.record_bank_payment(
        settlement_id=row.pk, seen=seen, evidence=line, user=user, now=NOW
    )


# exports


def export(person: User | None = None) -> Export:
    return request_export(
        list_name="core.trailentry", filters={}, file_format="csv", language="en", source=source(),
        requester=person or make_user(Role.AUDITOR), now=NOW,
    )  # fmt: skip


def all_rights() -> User:
    return make_user(is_staff=True, is_superuser=True, is_service=False)


@case("sunusav.core.exporting.requests.request_export")
def ask_for_file() -> Call:
    person = make_user(Role.AUDITOR)
    return lambda: export(person)


@case("sunusav.backoffice.list_exports.ask_for_export")
def ask_for_file_of_list() -> Call:
    person = all_rights()
    return lambda: ask_for_export(
        list_name="core.trailentry", filters={}, file_format="csv", user=person, now=NOW
    )


@case("sunusav.backoffice.export_pages.ExportAdmin")
def ask_for_file_on_page() -> Call:
    client = superuser()
    return lambda: client.post("/admin/core/export/new/core.trailentry/", {"file_format": "csv"})


@case("sunusav.core.exporting.requests.cancel_export")
def cancel_file() -> Call:
    asked = export()
    return lambda: cancel_export(export_id=asked.pk, requester=asked.requester, now=NOW)


@case("sunusav.core.exporting.requests.record_download")
def download_file() -> Call:
    asked = export()
    return lambda: record_download(export=asked, requester=asked.requester, now=NOW)


@case("sunusav.core.exporting.requests.delete_expired")
def delete_file() -> Call:
    asked = export()
    return lambda: delete_expired(now=asked.expires_at)


def last_export_is_deferred() -> bool:
    """Return whether the newest export is still in preparation, without a claim and after a try in vain."""
    last = Export.objects.latest("pk")
    return (last.state, last.leased_until, last.tries) == (ExportState.PREPARING, None, 1)


@case(
    "sunusav.core.exporting.preparing.prepare_next",
    committed_before=("Export",),
    is_left_for_later=last_export_is_deferred,
)
def prepare_file() -> Call:
    export()
    return lambda: prepare_next(lambda _: source(), clock=lambda: NOW)


@case(
    "sunusav.backoffice.list_exports.prepare_exports",
    committed_before=("Export",),
    is_left_for_later=last_export_is_deferred,
)
def prepare_file_of_list() -> Call:
    ask_for_export(list_name="core.trailentry", filters={}, file_format="csv", user=all_rights(), now=NOW)
    return lambda: prepare_exports(clock=lambda: NOW)


# attachments


@case("sunusav.core.attachments.add_attachment")
def attach_file() -> Call:
    user = finance()
    subject, actor = f"user:{user.get_username()}", Actor.of(user)
    return lambda: attachments.add_attachment(subject=subject, upload=upload(), actor=actor, now=NOW)


@case("sunusav.core.attachments.record_download")
def download_attachment() -> Call:
    row, actor = attached(), Actor.of(finance())
    return lambda: attachments.record_download(attachment=row, actor=actor, now=NOW)


@case("sunusav.backoffice.attachments.download_attachment")
def download_attachment_on_page() -> Call:
    row, client = attached(), superuser()
    return lambda: client.get(f"/admin/attachments/{row.pk}/")


# lightning


def settled_invoice() -> lightning_pb2.Invoice:
    """Return an invoice that our node reports as paid, of an open collection."""
    facts = opened(f"contribution:{name('x')}")
    preimage = sha256(facts.reference.encode()).digest()
    payment_hash = sha256(preimage).digest()
    Collection.objects.filter(pk=facts.id).update(reference=payment_hash.hex())
    return lightning_pb2.Invoice(
        r_hash=payment_hash, r_preimage=preimage, state=lightning_pb2.Invoice.SETTLED, amt_paid_msat=DUE_MSAT,
        value_msat=DUE_MSAT, settle_date=int(NOW.timestamp()), settle_index=next(_numbers),
    )  # fmt: skip


@case("lightning.services.record_settlement")
def settle() -> Call:
    reported = settled_invoice()
    return lambda: record_settlement(reported, now=NOW)


@case("lightning.services.record_settlement_at_cursor")
def settle_at_cursor() -> Call:
    reported = settled_invoice()
    open_cursor("node")
    return lambda: record_settlement_at_cursor(reported, node_pubkey="node", now=NOW)
