"""Rules about approvals in the back office: reading them, proposing another, and following a proposal by them."""

from datetime import timedelta

import pytest
from django.test import Client

from sunusav.backoffice.approval_rules import evidence
from sunusav.backoffice.decisions import waiting_for
from sunusav.core.approvals import approve
from sunusav.core.band_services import BandValue
from sunusav.core.models import ApprovalBand, ApprovalBandRequest, Proposal, User
from sunusav.core.roles import Role
from tests.backoffice.conftest import Enter
from tests.backoffice.test_approvals import _decide, _page, _state
from tests.backoffice.world import World, person
from tests.factories.bands import proposed_band, set_band
from tests.factories.payouts import NOW
from tests.factories.users import make_user

RULES = "/admin/core/approvalband/"
REQUESTS = "/admin/core/approvalbandrequest/"
PROPOSE = f"{REQUESTS}actions/propose/"
RATE = BandValue("manual_rate", approvals_needed=2)


def test_rules_are_read_as_sentences(world: World, enter: Enter) -> None:
    make_user(Role.APPROVER)
    set_band(
        BandValue("refund_payment", 2, currency="XOF", from_amount=5_000_000, role=Role.APPROVER), now=NOW
    )
    old = set_band(BandValue("manual_rate", 1, role=Role.APPROVER), now=NOW)
    set_band(BandValue("manual_rate", 2, currency="msat", from_amount=7_000_000), now=NOW)
    set_band(BandValue("manual_rate", 2), now=NOW)

    page = enter(Role.AUDITOR).get(RULES).content.decode()

    assert "All proposals: 1 approval" in page
    assert "from 5\u202f000\u202f000\u00a0F\u00a0CFA: 2 approvals, role approver" in page
    assert "Record a manual rate, from 7\u202f000\u00a0sats: 2 approvals" in page
    assert "Record a manual rate: 2 approvals" in page
    assert f"{RULES}{old.pk}/change/" not in page  # an earlier version
    every = enter(Role.AUDITOR).get(RULES, {"versions": "all"}).content.decode()
    assert "Record a manual rate: 1 approval, role approver" in every


def test_page_of_a_rule_shows_its_versions_and_offers_a_change(world: World, enter: Enter) -> None:
    set_band(RATE, now=NOW)
    row = set_band(BandValue("manual_rate", 1), now=NOW + timedelta(minutes=1))

    page = enter(Role.FINANCE).get(f"{RULES}{row.pk}/change/").content.decode()

    assert "Record a manual rate: 1 approval, version 2" in page
    assert "Versions" in page
    assert (
        f"{PROPOSE}?pk=None&amp;kind=manual_rate&amp;unit=&amp;from_amount=&amp;approvals_needed=1&amp;role="
        in page
    )
    assert PROPOSE not in enter(Role.APPROVER).get(f"{RULES}{row.pk}/change/").content.decode()


def test_finance_proposes_a_rule_and_others_put_it_in_force(world: World, enter: Enter) -> None:
    for _ in range(2):
        make_user(Role.APPROVER)
    client = enter(Role.FINANCE)
    asked = client.get(f"{PROPOSE}?kind=refund_payment&approvals_needed=2").content.decode()
    assert "All proposals: 1 approval" in asked
    sent = {
        "pk": "None", "kind": "refund_payment", "unit": "sats", "from_amount": 5_000, "approvals_needed": 2,
        "role": "approver", "reason": "larger refunds",
    }  # fmt: skip

    client.post(PROPOSE, sent)

    row = ApprovalBandRequest.objects.get()
    assert (row.kind, row.currency, row.from_amount, row.approvals_needed, row.role) == (
        "refund_payment", "msat", 5_000_000, 2, "approver",
    )  # fmt: skip
    proposal = Proposal.objects.get(kind="approval_band")
    shown = _page(enter(Role.APPROVER), proposal)
    assert "from 5\u202f000\u00a0sats: 2 approvals, role approver" in shown
    assert "0 of 1 approval given; waiting for 1 more person (role approver)" in shown
    _decide(enter(Role.APPROVER), "approve", proposal)
    assert ApprovalBand.objects.get(kind="refund_payment").approver is not None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"from_amount": ""}, "Give an amount together with its unit, or neither."),
        ({"unit": ""}, "Give an amount together with its unit, or neither."),
        ({"approvals_needed": 10}, "less than or equal to 9"),
        ({"approvals_needed": 9}, "[too-few-approvers]"),
        ({"kind": "lottery"}, "Select a valid choice"),
    ],
)
def test_impossible_rule_is_refused_and_the_form_keeps_what_was_typed(
    world: World, enter: Enter, changed: dict[str, object], message: str
) -> None:
    sent = {
        "pk": "None", "kind": "manual_rate", "unit": "xof", "from_amount": 500, "approvals_needed": 1,
        "role": "", "reason": "why not", **changed,
    }  # fmt: skip

    answer = enter(Role.FINANCE).post(PROPOSE, sent)

    assert answer.status_code == 200
    assert message in answer.content.decode()
    assert "why not" in answer.content.decode()
    assert not ApprovalBandRequest.objects.exists()


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR, Role.OPERATOR])
def test_other_roles_propose_no_rule(world: World, enter: Enter, role: Role) -> None:
    assert enter(role).get(PROPOSE).status_code == 403
    assert enter(role).post(PROPOSE, {"kind": "manual_rate", "approvals_needed": 1}).status_code == 403
    assert not ApprovalBandRequest.objects.exists()


def test_proposal_says_who_has_approved_and_who_is_waited_for(world: World, enter: Enter) -> None:
    set_band(RATE, now=NOW)
    client = enter(Role.APPROVER)
    assert "0 of 2 approvals given; waiting for 2 more people (role approver)" in _page(
        client, world.manual_rate
    )

    said = _decide(client, "approve", world.manual_rate, typed_figure="66000000.5")[-1]

    assert "your approval is kept; 1 of 2 approvals given; by a-approver on " in said
    assert "waiting for 1 more person (role approver)" in said
    assert _state(world.manual_rate) == "open"
    second = person("fatou", Role.APPROVER)
    other = _logged_in(second)
    assert _decide(other, "approve", world.manual_rate, typed_figure="66000000.5")[-1].endswith(": approved")
    assert "2 of 2 approvals given" in _page(other, world.manual_rate)


def test_approval_of_a_person_who_left_is_shown_as_no_longer_counted(world: World, enter: Enter) -> None:
    set_band(RATE, now=NOW)
    leaving = make_user(Role.APPROVER, username="leaving")
    approve(proposal_id=world.manual_rate.pk, approver=leaving, digest=world.manual_rate.digest, now=NOW)
    leaving.groups.clear()

    page = _page(enter(Role.APPROVER), world.manual_rate)

    assert "0 of 2 approvals given" in page
    assert "that of leaving on " in page
    assert "no longer counts: this person no longer has the right" in page


def test_proposals_left_to_another_role_do_not_wait_for_a_person(world: World, enter: Enter) -> None:
    director = person("director", None, is_superuser=True)
    assert world.manual_rate in waiting_for(director)
    set_band(BandValue("manual_rate", 1, role=Role.APPROVER), now=NOW)

    enter(Role.APPROVER)
    assert world.manual_rate not in waiting_for(director)
    assert world.manual_rate in waiting_for(User.objects.get(username="a-approver"))
    message = _decide(
        _logged_in(director), "approve", world.manual_rate, status=200, typed_figure="66000000.5"
    )[-1]
    assert "Only people in the role approver decide on this." in message
    assert "[role-needed-to-decide]" in message


def test_change_of_a_rule_says_what_was_in_force(world: World, enter: Enter) -> None:
    set_band(RATE, now=NOW)
    proposal = proposed_band(BandValue("manual_rate", 1, role=Role.APPROVER), now=NOW)

    page = _page(enter(Role.APPROVER), proposal)

    assert "Record a manual rate: 1 approval, role approver" in page
    assert "2 approvals" in page
    assert "0 of 2 approvals given" in page


def test_change_of_a_rule_shows_what_all_rules_will_ask_for_together(world: World, enter: Enter) -> None:
    set_band(BandValue("manual_rate", 2, role=Role.APPROVER), now=NOW)
    made = proposed_band(BandValue("manual_rate", 1, currency="XOF", from_amount=5), now=NOW)

    change, people = evidence(made).changes, dict(evidence(made).effect)

    assert [line[1:] for line in change] == [("2 approvals", "2 approvals"), ("role approver",) * 2]
    assert people["Who could approve"] == "4 people"


def _logged_in(user: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client
