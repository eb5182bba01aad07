"""How many people approve, and in which role: bands by kind and amount, and how they are changed."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import Group

from ledger.services.rates import propose_manual_rate
from sunusav.core import approvals
from sunusav.core.app_modules import collect
from sunusav.core.approvals import (
    ApproverDecidedAlready,
    NotAllowedToDecide,
    ProposalAlreadyOpen,
    ProposalFactsChanged,
    ProposalNotOpen,
    RoleNeededToDecide,
    approvable,
    progress_of,
    required,
    required_for,
)
from sunusav.core.band_services import (
    APPROVAL_BAND,
    ApprovalBandAmountMalformed,
    ApprovalBandOutOfRange,
    ApprovalBandUnchanged,
    BandValue,
    ProposalKindUnknown,
    RoleUnknown,
    TooFewApprovers,
    describe_band,
    people_for,
)
from sunusav.core.bands import amount_in, amount_with_currency, bands_in_force, no_amount, requirement
from sunusav.core.errors import DomainError
from sunusav.core.models import ApprovalBand, ApprovalBandRequest, Proposal, TrailEntry, User
from sunusav.core.money import Currency, Money
from sunusav.core.roles import Role
from tests.factories.bands import adopt_band, first_band, proposed_band, set_band
from tests.factories.users import make_user

pytestmark = pytest.mark.django_db

RATE, REFUND = "manual_rate", "refund_payment"
MINUTE = timedelta(minutes=1)


def band(kind: str, needed: int, currency: str = "", amount: int = 0, role: str = "") -> ApprovalBand:
    return ApprovalBand(
        kind=kind, approvals_needed=needed, currency=currency, from_amount=amount, role=role, version=1
    )


def rate_proposal(now: datetime, *, proposer: User | None = None) -> Proposal:
    return propose_manual_rate(
        rate_xof_per_btc=60_000_000,  # type: ignore[arg-type]  # a whole number is as good
        reason="no source", proposer=proposer or make_user(Role.FINANCE), now=now,
    )  # fmt: skip


def approve(proposal: Proposal, approver: User, now: datetime) -> str:
    done = approvals.approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=now)
    return str(done.state)


# Which bands apply


@pytest.mark.parametrize(
    ("kind", "amount", "expected"),
    [
        ("refund", None, (1, set())),
        ("refund", Money(4_999_999, Currency.XOF), (1, set())),
        ("refund", Money(5_000_000, Currency.XOF), (2, set())),
        ("refund", Money(-5_000_000, Currency.XOF), (2, set())),
        ("refund", Money(5_000_000, Currency.MSAT), (1, set())),
        ("limit", Money(4_999_999, Currency.XOF), (1, {"approver"})),
        ("limit", Money(9_000_000, Currency.XOF), (2, {"approver"})),
        ("limit", Money(10_000_000, Currency.XOF), (3, {"approver", "operator"})),
        ("limit", None, (1, {"approver"})),
    ],
)
def test_all_bands_that_apply_count_together(
    kind: str, amount: Money | None, expected: tuple[int, set[str]]
) -> None:
    bands = [
        band("*", 1), band("*", 2, "XOF", 5_000_000), band("limit", 1, role="approver"),
        band("limit", 3, "XOF", 10_000_000, role="operator"),
    ]  # fmt: skip

    found = requirement(kind, amount, bands)

    assert (found.approvals_needed, set(found.roles)) == expected


def test_band_named_by_a_proposal_is_the_one_that_asks_for_most() -> None:
    every, own, larger = band("*", 2), band("limit", 2), band("limit", 2, "XOF", 1)

    assert requirement("limit", None, [own, every]).band is own
    assert requirement("limit", Money(5, Currency.XOF), [larger, own, every]).band is larger
    assert requirement("limit", None, [band("limit", 1), every]).band is every


def test_amount_is_read_from_the_fact_with_its_unit() -> None:
    assert amount_in("amount_sats")({"amount_sats": 7}) == Money(7_000, Currency.MSAT)
    assert amount_in("amount_msat")({"amount_msat": 7}) == Money(7, Currency.MSAT)
    assert amount_in("amount_xof")({"amount_xof": 7}) == Money(7, Currency.XOF)
    assert amount_in("amount_msat", "amount_xof")({"amount_xof": 7}) == Money(7, Currency.XOF)
    assert amount_in("net_sats")({"net_sats": None}) is None
    assert amount_with_currency({"amount": 7, "currency": "XOF"}) == Money(7, Currency.XOF)
    assert amount_with_currency({}) is None
    assert no_amount({"amount_sats": 7}) is None


@pytest.mark.parametrize(
    ("kind", "facts", "expected"),
    [
        ("refund_payment", {"amount_sats": 2}, Money(2_000, Currency.MSAT)),
        ("treasury_movement", {"amount_xof": 2}, Money(2, Currency.XOF)),
        ("treasury_movement", {"amount_msat": 2}, Money(2, Currency.MSAT)),
        ("manual_resolution", {"amount": 2, "currency": "XOF"}, Money(2, Currency.XOF)),
        ("payment_reversal", {"amount": 2, "currency": "msat"}, Money(2, Currency.MSAT)),
        ("payment_limit", {"amount_sats": 2}, Money(2_000, Currency.MSAT)),
        ("payment_exception", {"net_sats": 2}, Money(2_000, Currency.MSAT)),
        ("credit_transfer", {"amount_msat": 2}, Money(2, Currency.MSAT)),
        ("float_minimum", {"minimum_xof": 2}, Money(2, Currency.XOF)),
        ("cycle_cancellation", {"returned_sats": 2}, Money(2_000, Currency.MSAT)),
        ("cycle_short_closing", {"payout_total_sats": 2}, Money(2_000, Currency.MSAT)),
        ("cycle_reopening", {"payout_total_sats": 2}, Money(2_000, Currency.MSAT)),
    ],
)
def test_each_kind_states_its_amount(kind: str, facts: dict[str, object], expected: Money) -> None:
    assert approvable(kind).amount_of(facts) == expected


def test_first_band_asks_for_one_approval_of_every_kind(now: datetime) -> None:
    [only] = bands_in_force(now)

    assert (only.key, only.version, only.approvals_needed, only.role) == (("*", "", 0), 1, 1, "")
    for item in collect("approvables", "APPROVABLES"):
        assert required(item, {"in_force_approvals": 1}, [only]).approvals_needed == 1


# Proposals


def test_proposal_keeps_the_band_in_force_when_it_is_made(now: datetime) -> None:
    set_in_force = set_band(BandValue(RATE, approvals_needed=2), now=now)

    made = rate_proposal(now)

    assert (made.approvals_needed, made.band) == (2, set_in_force)


def test_lowered_band_does_not_lower_an_open_proposal(now: datetime) -> None:
    set_band(BandValue(RATE, approvals_needed=2), now=now)
    made = rate_proposal(now)
    set_band(BandValue(RATE, approvals_needed=1), now=now + MINUTE)

    assert approve(made, make_user(Role.APPROVER), now + 2 * MINUTE) == "open"
    assert required_for(made, now=now + 2 * MINUTE).approvals_needed == 2
    assert rate_proposal_after(made, now + 3 * MINUTE).approvals_needed == 1


def rate_proposal_after(made: Proposal, now: datetime) -> Proposal:
    approvals.withdraw(proposal_id=made.pk, proposer=made.proposer, now=now)
    return rate_proposal(now)


def test_raised_band_applies_to_an_open_proposal(now: datetime) -> None:
    made = rate_proposal(now)
    set_band(BandValue(RATE, approvals_needed=2), now=now + MINUTE)

    assert approve(made, make_user(Role.APPROVER), now + 2 * MINUTE) == "open"
    assert approve(made, make_user(Role.APPROVER), now + 2 * MINUTE) == "approved"
    made.refresh_from_db()
    assert made.approvals_needed == 1  # as it was when it was proposed


def test_role_of_a_band_is_needed_beside_the_right(now: datetime) -> None:
    set_band(BandValue(RATE, approvals_needed=1, role=Role.APPROVER), now=now)
    made = rate_proposal(now)
    director = make_user(is_superuser=True, is_service=False)

    with pytest.raises(RoleNeededToDecide) as refusal:
        approve(made, director, now)
    assert refusal.value.facts == {"role": "approver"}
    with pytest.raises(RoleNeededToDecide):
        approvals.reject(proposal_id=made.pk, approver=director, reason="no", now=now)
    assert (made.approvals.count(), Proposal.objects.get(pk=made.pk).state) == (0, "open")
    assert approve(made, make_user(Role.APPROVER), now) == "approved"


def test_trail_keeps_how_many_have_approved(now: datetime) -> None:
    set_band(BandValue(RATE, approvals_needed=2), now=now)
    made = rate_proposal(now)
    for _ in range(2):
        approve(made, make_user(Role.APPROVER), now)

    kept = TrailEntry.objects.filter(subject=f"{RATE}:{made.subject_id}", action="approve").order_by("pk")
    numbers = [(line.facts["approvals_given"], line.facts["approvals_needed"]) for line in kept]
    assert numbers == [(1, 2), (2, 2)]


# Leaving the role between approval and execution


@pytest.mark.parametrize("how", ["leaves the role", "is disabled", "loses the right"])
def test_approval_of_somebody_who_left_no_longer_counts(now: datetime, how: str) -> None:
    set_band(BandValue(RATE, approvals_needed=2), now=now)
    made, first, second = rate_proposal(now), make_user(Role.APPROVER), make_user(Role.APPROVER)
    approve(made, first, now)
    leave(first, how)

    assert approve(made, second, now + MINUTE) == "open"
    count = progress_of(made, now=now + MINUTE)
    assert [row.approver for row in count.not_counting] == [first]
    assert ([row.approver for row in count.counting], count.given, count.needed) == ([second], 1, 2)
    line = TrailEntry.objects.filter(action="approve").latest("pk")
    assert line.facts["not_counted"] == [first.username]
    if how != "loses the right":
        assert approve(made, make_user(Role.APPROVER), now + MINUTE) == "approved"


def leave(user: User, how: str) -> None:
    if how == "leaves the role":
        user.groups.clear()
    elif how == "is disabled":
        User.objects.filter(pk=user.pk).update(is_active=False)
    else:
        user.groups.set([Group.objects.get(name=Role.AUDITOR)])


def test_approval_of_somebody_who_lost_the_role_of_the_band_no_longer_counts(now: datetime) -> None:
    set_band(BandValue(RATE, approvals_needed=2, role=Role.APPROVER), now=now)
    made, first = rate_proposal(now), make_user(Role.APPROVER)
    approve(made, first, now)
    first.groups.clear()
    User.objects.filter(pk=first.pk).update(is_superuser=True)  # keeps the right, not the role

    assert approve(made, make_user(Role.APPROVER), now) == "open"
    assert progress_of(made, now=now).given == 1


def test_approver_whose_rights_were_read_before_they_were_taken_is_refused(now: datetime) -> None:
    made, approver = rate_proposal(now), make_user(Role.APPROVER)
    assert approver.has_perm("ledger.approve_manual_rate")  # cached on the object
    User.objects.get(pk=approver.pk).groups.clear()

    with pytest.raises(NotAllowedToDecide):
        approve(made, approver, now)
    assert not made.approvals.exists()


def test_who_came_back_counts_again_but_cannot_approve_twice(now: datetime) -> None:
    set_band(BandValue(RATE, approvals_needed=2), now=now)
    made, first = rate_proposal(now), make_user(Role.APPROVER)
    approve(made, first, now)
    role = first.groups.get()
    first.groups.clear()
    assert progress_of(made, now=now).given == 0
    first.groups.set([role])

    with pytest.raises(ApproverDecidedAlready):
        approve(made, first, now)
    assert approve(made, make_user(Role.APPROVER), now) == "approved"


def test_nobody_approves_after_the_last_approval(now: datetime) -> None:
    set_band(BandValue(RATE, approvals_needed=2), now=now)
    made = rate_proposal(now)
    states = [approve(made, make_user(Role.APPROVER), now) for _ in range(2)]

    assert states == ["open", "approved"]
    with pytest.raises(ProposalNotOpen):
        approve(made, make_user(Role.APPROVER), now)
    assert made.approvals.count() == 2


# Changing bands


def test_band_is_in_force_from_its_approval_on(now: datetime) -> None:
    for _ in range(2):
        make_user(Role.APPROVER)
    proposal = proposed_band(BandValue(RATE, 2, currency="XOF", from_amount=5_000_000), now=now)
    assert len(bands_in_force(now)) == 1

    adopted = adopt_band(proposal, now=now + MINUTE)

    assert bands_in_force(now + MINUTE - timedelta(seconds=1)) == [first_band()]
    assert bands_in_force(now + MINUTE) == [first_band(), adopted]
    assert (adopted.version, adopted.proposer, adopted.effective_at) == (1, proposal.proposer, now + MINUTE)
    line = TrailEntry.objects.get(action="adopt_band")
    assert (line.subject, line.from_state, line.to_state) == (
        f"{APPROVAL_BAND}:{adopted.request_id}",
        "1",
        "2",
    )


def test_change_is_another_version_and_the_earlier_one_stays(now: datetime) -> None:
    before = set_band(BandValue(RATE, 2), now=now)
    after = set_band(BandValue(RATE, 1), now=now + MINUTE)

    assert (before.version, after.version) == (1, 2)
    before.refresh_from_db()
    assert before.approvals_needed == 2
    assert bands_in_force(now + MINUTE) == [first_band(), after]


def test_lowering_a_band_takes_as_many_approvals_as_it_asks_for(now: datetime) -> None:
    set_band(BandValue(RATE, 3), now=now)

    proposal = proposed_band(BandValue(RATE, 1), now=now)

    assert proposal.approvals_needed == 3
    assert approve(proposal, make_user(Role.APPROVER), now) == "open"
    assert approve(proposal, make_user(Role.APPROVER), now) == "open"
    assert [row.approvals_needed for row in bands_in_force(now) if row.kind == RATE] == [3]
    assert approve(proposal, make_user(Role.APPROVER), now) == "approved"


def test_lowering_the_band_of_band_changes_takes_as_many_approvals(now: datetime) -> None:
    set_band(BandValue(APPROVAL_BAND, 2), now=now)

    assert proposed_band(BandValue(APPROVAL_BAND, 1), now=now).approvals_needed == 2
    assert proposed_band(BandValue("fee_schedule", 1, role=Role.APPROVER), now=now).approvals_needed == 2


def test_proposal_shows_the_band_before_and_after(now: datetime) -> None:
    set_band(BandValue(RATE, 2, role=Role.APPROVER), now=now)

    proposal = proposed_band(BandValue(RATE, 2, currency="msat", from_amount=7_000), now=now)

    assert proposal.facts == {
        "proposal_kind": RATE, "from_amount_msat": 7_000, "approvals_needed": 2, "role": "",
        "in_force_approvals": 2, "in_force_roles": ["approver"], "version_until_now": 0, "reason": "larger amounts",
    }  # fmt: skip
    assert describe_band(proposal.subject_id) == proposal.facts


def refuse(value: BandValue, now: datetime, error: type[DomainError], **facts: object) -> None:
    with pytest.raises(error) as refusal:
        proposed_band(value, now=now)
    assert refusal.value.facts == facts
    assert not ApprovalBandRequest.objects.exists()
    assert not Proposal.objects.filter(kind=APPROVAL_BAND).exists()


def test_impossible_bands_are_refused_by_name(now: datetime) -> None:
    make_user(Role.APPROVER)
    refuse(BandValue("lottery", 1), now, ProposalKindUnknown, proposal_kind="lottery")
    refuse(BandValue(RATE, 1, role="director"), now, RoleUnknown, role="director")
    for number in (0, 10):
        refuse(
            BandValue(RATE, number), now, ApprovalBandOutOfRange, approvals_needed=number, most_approvals=9
        )
    for currency, amount in (("", 1), ("XOF", -1), ("EUR", 1), ("XOF", 10**18 + 1)):
        value = BandValue(RATE, 1, currency=currency, from_amount=amount)
        refuse(value, now, ApprovalBandAmountMalformed, from_amount=amount)
    refuse(BandValue("*", 1), now, ApprovalBandUnchanged, approvals_needed=1)


def test_band_that_too_few_people_could_satisfy_is_refused(now: datetime) -> None:
    for _ in range(2):
        make_user(Role.APPROVER)
    few = {"approvals_needed": 3, "people": 2}
    refuse(BandValue(RATE, 3), now, TooFewApprovers, proposal_kind=RATE, **few)
    refuse(BandValue("*", 3), now, TooFewApprovers, proposal_kind=APPROVAL_BAND, **few)
    by_finance = BandValue(RATE, 1, role=Role.FINANCE)
    refuse(by_finance, now, TooFewApprovers, proposal_kind=RATE, approvals_needed=1, people=0)
    assert (people_for(RATE, set()), people_for(RATE, {"approver"}), people_for(RATE, {"finance"})) == (
        2,
        2,
        0,
    )


def test_band_whose_approvers_left_before_its_approval_is_refused(now: datetime) -> None:
    leaving, staying = make_user(Role.APPROVER), make_user(Role.APPROVER)
    proposal = proposed_band(BandValue(RATE, 2), now=now)
    leaving.groups.clear()

    with pytest.raises(TooFewApprovers):
        approve(proposal, staying, now)
    assert (proposal.approvals.count(), ApprovalBand.objects.count()) == (0, 1)


def refuse_too_few(value: BandValue, now: datetime, **facts: object) -> None:
    """Refuse a band beside those in force, which stay."""
    before = ApprovalBandRequest.objects.count(), Proposal.objects.count()
    with pytest.raises(TooFewApprovers) as refusal:
        proposed_band(value, now=now)
    assert refusal.value.facts == facts
    assert (ApprovalBandRequest.objects.count(), Proposal.objects.count()) == before


def make_director(*roles: Role) -> User:
    """Make a person who may approve everything by right, and has these roles."""
    director = make_user(roles[0], is_superuser=True, is_service=False)
    director.groups.add(*Group.objects.filter(name__in=roles))
    return director


def test_band_that_nobody_could_satisfy_beside_those_in_force_is_refused(now: datetime) -> None:
    """Each band alone has enough people; together they ask for a person in two roles."""
    set_band(BandValue(REFUND, 1, role=Role.APPROVER), now=now)
    make_director(Role.OPERATOR)

    by_operator = BandValue(REFUND, 1, currency="XOF", from_amount=5_000, role=Role.OPERATOR)
    refuse_too_few(by_operator, now, proposal_kind=REFUND, approvals_needed=1, people=0)

    make_director(Role.OPERATOR, Role.APPROVER)
    assert proposed_band(by_operator, now=now).approvals_needed == 1


def test_band_is_judged_together_with_those_from_larger_amounts(now: datetime) -> None:
    set_band(BandValue(REFUND, 3, currency="XOF", from_amount=9_000), now=now)
    make_director(Role.FINANCE)

    few = {"proposal_kind": REFUND, "approvals_needed": 3, "people": 1}
    refuse_too_few(BandValue(REFUND, 1, role=Role.FINANCE), now, **few)
    in_francs = BandValue(REFUND, 1, currency="XOF", from_amount=1, role=Role.FINANCE)
    refuse_too_few(in_francs, now, **few)
    in_sats = BandValue(REFUND, 1, currency="msat", from_amount=1, role=Role.FINANCE)
    assert proposed_band(in_sats, now=now).approvals_needed == 1


def test_band_of_every_kind_is_judged_for_each_kind(now: datetime) -> None:
    set_band(BandValue(REFUND, 1, role=Role.APPROVER), now=now)
    make_director(Role.OPERATOR)

    every = BandValue("*", 1, role=Role.OPERATOR)
    refuse_too_few(every, now, proposal_kind=REFUND, approvals_needed=1, people=0)


@pytest.mark.parametrize("kind", ["*", APPROVAL_BAND])
def test_band_leaves_enough_people_to_lower_every_band_again(now: datetime, kind: str) -> None:
    set_band(BandValue(RATE, 3), now=now)
    for _ in range(2):
        make_director(Role.OPERATOR)

    locked_out = {"proposal_kind": APPROVAL_BAND, "approvals_needed": 3, "people": 2}
    refuse_too_few(BandValue(kind, 1, role=Role.OPERATOR), now, **locked_out)


def test_band_that_too_few_people_could_lower_again_is_refused(now: datetime) -> None:
    make_director(Role.OPERATOR, Role.APPROVER)
    set_band(BandValue(APPROVAL_BAND, 1, role=Role.OPERATOR), now=now)
    make_user(Role.APPROVER)

    refuse_too_few(BandValue(RATE, 2), now, proposal_kind=APPROVAL_BAND, approvals_needed=2, people=1)


def test_band_of_amounts_does_not_count_for_kinds_without_an_amount(now: datetime) -> None:
    set_band(BandValue(APPROVAL_BAND, 1, role=Role.APPROVER), now=now)
    make_director(Role.OPERATOR)

    by_amount = BandValue("*", 1, currency="XOF", from_amount=5_000_000, role=Role.OPERATOR)
    assert proposed_band(by_amount, now=now).approvals_needed == 1


def test_band_that_asks_for_less_is_accepted_after_people_have_left(now: datetime) -> None:
    """A larger amount may still ask for too many: that one is lowered next, so that no order of steps is a trap."""
    set_band(BandValue(REFUND, 3, currency="XOF", from_amount=9_000), now=now)
    set_band(BandValue(REFUND, 3), now=now)
    for person in User.objects.filter(groups__name=Role.APPROVER)[2:]:
        person.groups.clear()

    assert people_for(REFUND, set()) == 2
    assert proposed_band(BandValue(REFUND, 2), now=now).approvals_needed == 3


def test_band_is_judged_again_beside_those_adopted_since(now: datetime) -> None:
    approver = make_director(Role.APPROVER)
    make_director(Role.OPERATOR)
    large = BandValue(REFUND, 1, currency="XOF", from_amount=5_000, role=Role.OPERATOR)
    small = BandValue(REFUND, 1, currency="XOF", from_amount=1, role=Role.APPROVER)
    first, second = proposed_band(large, now=now), proposed_band(small, now=now)
    adopt_band(first, now=now)

    with pytest.raises(TooFewApprovers) as refusal:
        approve(second, approver, now)
    assert refusal.value.facts == {"proposal_kind": REFUND, "approvals_needed": 1, "people": 0}
    assert (second.approvals.count(), len(bands_in_force(now))) == (0, 2)


def test_one_proposal_per_band_is_open_at_a_time(now: datetime) -> None:
    for _ in range(2):
        make_user(Role.APPROVER)
    proposal = proposed_band(BandValue(RATE, 2), now=now)

    with pytest.raises(ProposalAlreadyOpen) as refusal:
        proposed_band(BandValue(RATE, 1, role=Role.APPROVER), now=now)
    assert refusal.value.facts["proposal_id"] == str(proposal.pk)
    assert ApprovalBandRequest.objects.count() == 1
    proposed_band(BandValue(RATE, 2, currency="XOF", from_amount=1), now=now)


def test_change_of_what_is_in_force_voids_a_proposed_band(now: datetime) -> None:
    for _ in range(2):
        make_user(Role.APPROVER)
    proposal = proposed_band(BandValue(RATE, 2, currency="XOF", from_amount=9), now=now)
    set_band(BandValue(RATE, 2), now=now)

    with pytest.raises(ProposalFactsChanged):
        approve(proposal, make_user(Role.APPROVER), now)


def test_people_propose_and_approve_bands_by_role(now: datetime) -> None:
    make_user(Role.APPROVER)
    for role in (Role.APPROVER, Role.AUDITOR, Role.OPERATOR, Role.PLATFORM):
        with pytest.raises(NotAllowedToDecide):
            proposed_band(BandValue(RATE, 1), now=now, proposer=make_user(role))
    proposal = proposed_band(BandValue(RATE, 1), now=now)
    for role in (Role.FINANCE, Role.AUDITOR, Role.OPERATOR, Role.PLATFORM):
        with pytest.raises(NotAllowedToDecide):
            approve(proposal, make_user(role), now)
    assert approve(proposal, make_user(Role.APPROVER), now) == "approved"
