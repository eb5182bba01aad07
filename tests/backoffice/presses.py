"""For each action of the back office a row that wants it, made by the services, and what a person types."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django_otp.plugins.otp_totp.models import TOTPDevice
from knox.models import AuthToken

from fees.models import FeeBracketDraft, FeeScheduleDraft
from partners.models import ContestedLine, Settlement
from payouts.models import Cycle, Group, Member, Refund
from payouts.services.contributions import open_contribution
from payouts.services.groups import propose_verification
from payouts.services.refunds import request_refund
from sunusav.backoffice.forms import TYPED
from sunusav.backoffice.list_exports import ask_for_export
from sunusav.core import clock
from sunusav.core.approvables import OUTGOING_RESUME
from sunusav.core.approvals import approve, propose, reject
from sunusav.core.models import Proposal, StaffSession, User
from sunusav.core.roles import Role
from sunusav.core.switches import OUTGOING, outgoing
from tests.backoffice.proposals_made import give_credit
from tests.backoffice.test_reviews import PAST, vanished
from tests.backoffice.world import LATER, World, failed_payment, paid_payment, person
from tests.factories.payouts import ACTOR, NOW, MemberFactory, make_cycle, make_group
from tests.factories.receipts import set_issuer
from tests.factories.settlements import another_partner, approved, closed, contested
from tests.factories.statements import imported, make_format
from tests.factories.treasury import BANK, book
from tests.factories.users import make_session, make_user
from tests.fakes.rail import invoice
from tests.transfers.builders import NET_SATS
from tests.transfers.rails import SteeredRail, proof_of
from transfers.engine.destinations import order_of
from transfers.engine.paid import close_as_paid
from transfers.enums import DeferralCode, LimitKind, ReturnKind, TreasuryKind
from transfers.models import (
    Attempt,
    Collection,
    Disbursement,
    IssuedReceipt,
    ProviderSwitch,
    StatementFormat,
    StatementImport,
    StatementItem,
)
from transfers.rails import rail
from transfers.services.disbursements import cancel_disbursement
from transfers.services.limits import propose_limit
from transfers.services.receipt_links import open_receipt_link
from transfers.services.reversals import propose_reversal
from transfers.types import Movement

Make = Callable[[World], Any]
FINANCE = f"a-{Role.FINANCE}"


@dataclass(frozen=True)
class Press:
    """An action's button: above the list, or on the page of the row that `make` returns.

    `typed` has what goes into the fields of the form besides the reason, `typed_for` what of it depends on the row;
    `named` what a button above a list says after its label. `by` is who presses it, where that is not anybody with the
    permission. `shows` is what the next page says where that is no message of what was done. It `is_repeatable` if it
    proposes something new each time.
    """

    make: Make | None = None
    typed: Mapping[str, str] = field(default_factory=dict)
    typed_for: Callable[[Any], Mapping[str, str]] | None = None
    named: str = ""
    by: str = ""
    shows: str = ""
    is_repeatable: bool = False


PRESSES: dict[str, Press] = {
    # Above a list.
    "partners.floatminimum propose": Press(
        typed={"partner": "wave", "minimum_xof": "100000", "minimum_days": "3"}
    ),
    "partners.settlement close": Press(typed={"partner": "wave"}),
    "partners.settlementaccount propose": Press(
        typed={"partner": "orange", "value": "+221771234567", "holder": "Orange Finances Mobiles SA"}
    ),
    "transfers.issuer propose": Press(
        typed={"legal_name": "SunuSàv SA", "address": "12, rue Félix-Faure\nDakar", "ninea": "0061234562G3"}
    ),
    "transfers.taxrate propose": Press(typed={"percent": "18", "effective_at": "2027-01-01T00:00"}),
    "transfers.paymentlimitrequest propose": Press(typed={"kind": "per_payout", "amount_sats": "20000"}),
    "transfers.treasurymovement propose": Press(
        typed={
            "kind": "opening_balance",
            "account": "bank:XOF",
            "amount": "5000000",
            "reference": "relevé 2026-03",
            "happened_on": "2026-03-04",
            TYPED: "5 000 000",
        }
    ),
    "transfers.statementformat save": Press(
        typed={
            "source": "bank",
            "moment_column": "Date",
            "moment_format": "%Y-%m-%d",
            "reference_column": "Reference",
            "amount_reading": "amount_signed",
            "amount_column": "Amount",
            "encoding": "utf-8",
            "delimiter": ";",
            "decimal_mark": ".",
        },
        is_repeatable=True,
    ),
    "transfers.matchingrule save": Press(typed={"source": "bank", "name": "frais"}, is_repeatable=True),
    "transfers.statementimport import": Press(
        typed={"source": "bank", "file": "Reference;Date;Amount\nfrais;2026-03-02;-25\n"}, is_repeatable=True
    ),
    "core.approvalbandrequest propose": Press(
        typed={"kind": "manual_rate", "approvals_needed": "2", "role": Role.APPROVER}
    ),
}


def pressed(key: str, **facts: Any) -> Callable[[Make], Make]:
    """Register the row on which an action is pressed."""

    def register(make: Make) -> Make:
        PRESSES[key] = Press(make, **facts)
        return make

    return register


# Payments under review: their workers run whatever is due, so they come first.


@pressed(
    "transfers.disbursement propose-paid", typed={"proof": proof_of("paid-there", NET_SATS), "cost": "1.5"}
)
def paid_there(world: World) -> Disbursement:
    return _under_review("paid-there")


@pressed("transfers.disbursement propose-not-paid")
def unpaid_there(world: World) -> Disbursement:
    return _under_review("unpaid-there")


@pressed("transfers.disbursement query-provider")
def unknown_there(world: World) -> Disbursement:
    return _under_review("unknown-there")


def _under_review(name: str) -> Disbursement:
    return Disbursement.objects.get(pk=vanished(_node(), PAST, name).id)


def _node() -> SteeredRail:
    node = rail("lightning")
    assert isinstance(node, SteeredRail)
    return node


# Differences from statements.


def _difference(reference: str) -> StatementItem:
    if not StatementFormat.objects.exists():
        make_format(now=NOW, source="bank")
    imported((reference, "-25"), now=NOW, source="bank")
    return StatementItem.objects.get(reference=reference)


@pressed(
    "transfers.statementimport record-closing-balance", typed={"closing_xof": "12500"}, is_repeatable=True
)
def that_closes(world: World) -> StatementImport:
    _difference("that-closes")
    return StatementImport.objects.latest("pk")


@pressed("transfers.statementitem take", is_repeatable=True)
def to_take(world: World) -> StatementItem:
    return _difference("to-take")


@pressed("transfers.statementitem give", typed={"owner": FINANCE}, is_repeatable=True)
def to_give(world: World) -> StatementItem:
    return _difference("to-give")


@pressed("transfers.statementitem comment", is_repeatable=True)
def to_comment(world: World) -> StatementItem:
    return _difference("to-comment")


@pressed("transfers.statementitem propose-resolution", typed={"reason_code": "not_ours"})
def to_resolve(world: World) -> StatementItem:
    return _difference("to-resolve")


# Payments that failed or were paid.


@pressed("transfers.disbursement retry")
def failed(world: World) -> Disbursement:
    return _failed(world, "to-retry")


@pressed("transfers.disbursement cancel")
def to_cancel(world: World) -> Disbursement:
    return _failed(world, "to-cancel")


@pressed("transfers.disbursement waive")
def deferred(world: World) -> Disbursement:
    row = _failed(world, "to-waive")
    Disbursement.objects.filter(pk=row.pk).update(
        state="needs_review",
        failure_code=DeferralCode.PAYOUT_ABOVE_LIMIT,
        failure_facts={"limit_sats": 20_000},
    )
    return row


@pressed(
    "transfers.disbursement propose-reversal",
    typed={
        "kind": ReturnKind.BANK_LINE, "reference": f"{'ab' * 32}:0", "returned_on": NOW.date().isoformat(),
    },
)  # fmt: skip
def paid(world: World) -> Disbursement:
    return _paid(world, "came-back")


@pressed("transfers.disbursement request-return")
def paid_twice(world: World) -> Disbursement:
    return _paid(world, "paid-twice")


def _failed(world: World, name: str) -> Disbursement:
    return failed_payment(world.group, f"cycle-{name}", payee=name)


def _paid(world: World, name: str) -> Disbursement:
    return paid_payment(world.group, f"cycle-{name}", payee=name)


# Settlements with partners.


@pressed("partners.settlement execute")
def to_settle(world: World) -> Settlement:
    return _approved_settlement()


@pressed(
    "partners.settlement record-bank-payment",
    typed={"reference": "BICIS 7", "paid_on": clock.now().date().isoformat(), "document": "relevé.pdf"},
)
def paid_by_bank(world: World) -> Settlement:
    book(Movement(TreasuryKind.CAPITAL_DEPOSIT, BANK, 10_000), now=NOW)
    return _approved_settlement()


@pressed("partners.settlement share-statement")
def to_share(world: World) -> Settlement:
    set_issuer(now=NOW)
    return _closed_month()


@pressed(
    "partners.settlement contest-line",
    typed={"contested_on": clock.now().date().isoformat(), "document": "lettre.pdf"},
    typed_for=lambda row: {"fee_record": str(row.through_record_id)},
)
def to_contest(world: World) -> Settlement:
    return _closed_month()


@pressed("partners.contestedline answer", typed={"outcome": "not_upheld"})
def contested_line(world: World) -> ContestedLine:
    return contested(_closed_month(), now=clock.now())


@pressed("partners.settlement propose-again")
def rejected_settlement(world: World) -> Settlement:
    row = _closed_month()
    proposal = Proposal.objects.get(kind="settlement", subject_id=str(row.pk))
    reject(proposal_id=proposal.pk, approver=make_user(Role.APPROVER), reason="appelez-les", now=clock.now())
    return row


def _approved_settlement() -> Settlement:
    row = _closed_month()
    approved(row, now=clock.now())
    return row


def _closed_month() -> Settlement:
    now = clock.now()
    return closed(partner=another_partner(at=NOW, now=now), now=now)


# Cycles, groups and members.


@pressed("payouts.cycle retry-payout")
def unpaid_cycle(world: World) -> Cycle:
    _failed(world, "unpaid")
    return Cycle.objects.get(pk="cycle-unpaid")


@pressed("payouts.cycle cancel-payout")
def given_up_cycle(world: World) -> Cycle:
    _failed(world, "given-up")
    return Cycle.objects.get(pk="cycle-given-up")


@pressed("payouts.cycle reopen")
def reversed_cycle(world: World) -> Cycle:
    back = propose_reversal(
        disbursement_id=_paid(world, "reversed").pk, kind=ReturnKind.BANK_LINE, reference=f"{'cd' * 32}:0",
        explanation="returned", proposer=world.proposer, now=NOW,
    )  # fmt: skip
    approve(proposal_id=back.pk, approver=make_user(Role.APPROVER), digest=back.digest, now=NOW)
    return Cycle.objects.get(pk="cycle-reversed")


@pressed(
    "payouts.cycle propose-destination",
    typed={"rail": "lightning", "kind": "bolt11", "value": invoice("elsewhere", 29_850).value},
)
def misdirected_cycle(world: World) -> Cycle:
    return make_cycle(world.group, cycle_id="cycle-misdirected")


@pressed("payouts.cycle propose-short-closing")
def short_cycle(world: World) -> Cycle:
    return world.collecting


@pressed("payouts.cycle propose-exchange", typed={"winner_user_id": "user-1"})
def swapped_cycle(world: World) -> Cycle:
    return make_cycle(world.group, cycle_id="cycle-swapped")


@pressed("payouts.cycle propose-cancellation")
def abandoned_cycle(world: World) -> Cycle:
    return make_cycle(world.group, cycle_id="cycle-abandoned")


@pressed("transfers.collection cancel-collection")
def asked(world: World) -> Collection:
    cycle = make_cycle(world.group, cycle_id="cycle-asked")
    open_contribution(cycle_id=cycle.pk, user_id="user-0", method="lightning", actor=ACTOR, now=NOW)
    return Collection.objects.latest("pk")


@pressed("payouts.group propose-verification")
def new_group(world: World) -> Group:
    return make_group(members=1, id="pikine", name="Tontine Pikine")


@pressed("payouts.group propose-revocation")
def verified_group(world: World) -> Group:
    return world.group


@pressed("payouts.member reveal", shows="Awa Ndiaye")
def hidden_member(world: World) -> Member:
    return _member("fama")


@pressed("payouts.member export")
def asking_member(world: World) -> Member:
    return _member("ousmane")


@pressed("payouts.member propose-correction", typed={"phone": "+221770000001"})
def renumbered_member(world: World) -> Member:
    return _member("khady")


@pressed("payouts.member propose-erasure")
def leaving_member(world: World) -> Member:
    return _member("binta")


@pressed("payouts.member propose-credit-transfer", typed={"to_user_id": "moussa", "reference": "dossier 12"})
def late_member(world: World) -> Member:
    _member("moussa")
    give_credit("aliou", 3_000_000)
    return _member("aliou")


@pressed(
    "payouts.member propose-refund",
    is_repeatable=True,
    typed={
        "amount_sats": "1000", "rail": "lightning", "kind": "bolt11", "value": invoice("hers", 1_000).value,
    },
)  # fmt: skip
def member_with_credit(world: World) -> Member:
    give_credit("ndeye", 3_000_000)
    return _member("ndeye")


def _member(user_id: str) -> Member:
    group = Group.objects.filter(pk="yoff").first() or make_group(members=0, id="yoff", name="Tontine Yoff")
    row: Member = MemberFactory.create(group=group, user_id=user_id)
    return row


# Fees and receipts.


@pressed("fees.feescheduledraft propose")
def draft(world: World) -> FeeScheduleDraft:
    return world.draft


@pressed("fees.feescheduledraft discard")
def other_draft(world: World) -> FeeScheduleDraft:
    row = FeeScheduleDraft.objects.create(
        author=world.proposer, created_at=NOW, effective_at=LATER, note="essai", maximum_fee_sats=50_000
    )
    FeeBracketDraft.objects.create(draft=row, from_sats=0, base_rate_ppm=10_000)
    return row


@pressed("transfers.issuedreceipt revoke-link")
def receipt(world: World) -> IssuedReceipt:
    set_issuer(now=NOW)
    open_receipt_link(kind="payout", key=world.paid.pk, user=make_user(Role.PLATFORM), now=clock.now())
    return IssuedReceipt.objects.get()


# Proposals.


@pressed("core.proposal approve")
def verification(world: World) -> Proposal:
    return world.verification


@pressed("core.proposal reject")
def manual_rate(world: World) -> Proposal:
    return world.manual_rate


# One manual rate waits at a time: another is proposed after the first was rejected.
PRESSES["ledger.manualraterequest propose"] = Press(
    typed={"rate_xof_per_btc": "65000000", TYPED: "65 000 000"}
)


@pressed("core.proposal propose-again")
def void(world: World) -> Proposal:
    group = make_group(members=1, id="thies", name="Tontine Thiès")
    proposal = propose_verification(group_id="thies", proposer=world.proposer, reason="papers seen", now=NOW)
    Group.objects.filter(pk=group.pk).update(name="Tontine Thiès-Nord")
    return proposal


@pressed("core.proposal withdraw", by=FINANCE)
def own_proposal(world: World) -> Proposal:
    return propose_limit(
        kind=LimitKind.TOTAL_HOUR, amount_sats=5_000_000, reason="fewer", proposer=person(FINANCE, Role.FINANCE),
        now=NOW,
    )  # fmt: skip


# People, sessions, exports.


@pressed("core.export cancel", by=FINANCE)
def export(world: World) -> Any:
    return ask_for_export(
        list_name="transfers.disbursement", filters={}, file_format="csv", user=person(FINANCE, Role.FINANCE),
        now=clock.now(),
    )  # fmt: skip


@pressed("core.user propose-second-factor-reset")
def locked_out(world: World) -> User:
    user = person("sokhna", Role.APPROVER)
    TOTPDevice.objects.create(user=user, name="authenticator")
    return user


@pressed("core.user end-sessions")
def logged_in(world: World) -> User:
    return make_session(person("cheikh", Role.APPROVER), now=clock.now()).user


@pressed("core.staffsession end")
def session(world: World) -> StaffSession:
    return make_session(person("ibou", Role.APPROVER), now=clock.now())


@pressed("knox.authtoken revoke")
def token(world: World) -> AuthToken:
    return AuthToken.objects.get()


# What stops others comes last.


@pressed("transfers.disbursement propose-write-off")
def paid_outside_the_books(world: World) -> Disbursement:
    """Make a payment by an order that was closed; two people lift the pause that it causes."""
    row = _failed(world, "to-write-off")
    cancel_disbursement(disbursement_id=row.pk, actor=ACTOR, reason="refused", now=NOW)
    attempt = Attempt.objects.get(disbursement=row)
    close_as_paid(attempt, _node()._receipt(order_of(attempt.order)), now=NOW)
    resuming = propose(
        kind=OUTGOING_RESUME, subject_id=OUTGOING, proposer=world.proposer, now=NOW, reason="looked at it"
    )
    approve(proposal_id=resuming.pk, approver=make_user(Role.APPROVER), digest=resuming.digest, now=NOW)
    return row


@pressed("payouts.refund cancel-refund")
def refund(world: World) -> Refund:
    give_credit("coumba", 3_000_000)
    _member("coumba")
    refund_id = request_refund(
        user_id="coumba", amount_sats=1_000, reason="left", destination=invoice("his", 1_000), actor=ACTOR, now=NOW,
    )  # fmt: skip
    return Refund.objects.get(pk=refund_id)


PRESSES["transfers.providerswitch switch-off"] = Press(named="Lightning")


@pressed("transfers.providerswitch propose-switch-on")
def switched_off(world: World) -> ProviderSwitch:
    row, _ = ProviderSwitch.objects.get_or_create(provider="lightning", defaults={"changed_at": NOW})
    return row


PRESSES["core.switch pause"] = Press()


@pressed("core.switch propose-resume")
def paused(world: World) -> Any:
    return outgoing()
