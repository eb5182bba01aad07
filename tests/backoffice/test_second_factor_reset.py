"""A lost authenticator is reset by two people, neither of whom is the one who lost it."""

import pytest
from django.test import Client
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from sunusav.backoffice.decisions import waiting_for
from sunusav.backoffice.fresh_codes import accept_code
from sunusav.core import clock
from sunusav.core.approvals import approve, propose, reject
from sunusav.core.models import Approval, Proposal, SecondFactorReset, StaffSession, TrailEntry, User
from sunusav.core.roles import Role, sync_roles
from sunusav.core.second_factor import limits_in_sessions, make_recovery_codes, recovery_codes_left, use_code
from sunusav.core.second_factor_resets import (
    NoSecondFactor,
    OwnSecondFactorReset,
    PersonMissing,
    propose_reset,
)
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World, person

PROPOSE = "/admin/core/user/actions/propose-second-factor-reset/"
PASSWORD = "a-long-password"


@pytest.fixture
def awa(db: None) -> User:
    """Return an approver with an authenticator, recovery codes and a session."""
    sync_roles()
    user = person("awa", Role.APPROVER, first_name="Awa", last_name="Ndiaye")
    user.set_password(PASSWORD)
    user.save()
    TOTPDevice.objects.create(user=user, name="authenticator", confirmed=True)
    make_recovery_codes(user, now=clock.now())
    return user


@pytest.fixture
def lost(awa: User) -> Client:
    """Return a browser in which the person is still logged in."""
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(awa)
    session = browser.session
    session["otp_device_id"] = TOTPDevice.objects.get(user=awa).persistent_id
    session.save()
    assert browser.get("/admin/").status_code == 200
    return browser


def _proposed(enter: Enter, awa: User) -> Proposal:
    enter(Role.OPERATOR).post(PROPOSE, {"pk": awa.pk, "reason": "she called me, phone stolen"})
    return Proposal.objects.get(kind="second_factor_reset")


def _unchanged(awa: User) -> bool:
    rows = TOTPDevice.objects.filter(user=awa).count(), recovery_codes_left(awa)
    return rows == (1, 10) and not SecondFactorReset.objects.exists()


def test_two_people_reset_the_second_factor_of_a_third(
    awa: User, lost: Client, enter: Enter, settings: Settings
) -> None:
    page = enter(Role.OPERATOR).get(f"/admin/core/user/{awa.pk}/change/").content.decode()
    assert "Propose to reset the second factor" in page
    proposal = _proposed(enter, awa)
    device = TOTPDevice.objects.get(user=awa)
    assert proposal.facts == {
        "login": "awa", "full_name": "Awa Ndiaye", "roles": ["approver"], "is_superuser": False,
        "enrolled_at": device.created_at.isoformat(),
    }  # fmt: skip
    assert (proposal.reason, lost.get("/admin/").status_code) == ("she called me, phone stolen", 200)

    sent = {"pk": proposal.pk, f"seen-{proposal.pk}": proposal.digest}
    enter(Role.APPROVER).post("/admin/core/proposal/actions/approve/", sent)

    assert not TOTPDevice.objects.exists()
    assert not StaticDevice.objects.exists()
    assert not StaffSession.objects.filter(user=awa).exists()
    assert lost.get("/admin/").status_code == 302
    row = SecondFactorReset.objects.get()
    assert (row.user, row.proposer.get_username(), row.approver.get_username()) == (
        awa, "a-operator", "a-approver",
    )  # fmt: skip
    line = TrailEntry.objects.get(subject="user:awa", action="reset_second_factor")
    assert (line.actor_label, line.facts) == ("a-approver", {"proposal": proposal.pk})
    settings.SECOND_FACTOR_REQUIRED = True
    login = {"username": "awa", "password": PASSWORD}
    assert lost.post("/admin/login/", login).headers["Location"] == "/admin/login/enrol/"


def test_person_cannot_approve_the_reset_of_their_own(awa: User, lost: Client, enter: Enter) -> None:
    proposal = _proposed(enter, awa)

    with pytest.raises(OwnSecondFactorReset):
        approve(proposal_id=proposal.pk, approver=awa, digest=proposal.digest, now=clock.now())

    proposal.refresh_from_db()
    assert (proposal.state, _unchanged(awa)) == ("open", True)
    assert lost.get("/admin/").status_code == 200


def test_person_can_neither_reject_the_reset_of_their_own_nor_block_it(awa: User, enter: Enter) -> None:
    proposal = _proposed(enter, awa)
    Proposal.objects.filter(pk=proposal.pk).update(approvals_needed=2)
    with pytest.raises(OwnSecondFactorReset):
        reject(proposal_id=proposal.pk, approver=awa, reason="I found it", now=clock.now())
    with pytest.raises(OwnSecondFactorReset):
        approve(proposal_id=proposal.pk, approver=awa, digest=proposal.digest, now=clock.now())
    assert not Approval.objects.exists()
    [code, *_] = make_recovery_codes(awa, now=clock.now())
    use_code(awa, code, limits=limits_in_sessions(awa), now=clock.now())

    for name in ("moussa", "fatou"):
        approver = person(name, Role.APPROVER)
        approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=clock.now())

    assert SecondFactorReset.objects.get().user == awa


def test_person_is_offered_no_decision_on_the_reset_of_their_own(
    awa: User, lost: Client, enter: Enter
) -> None:
    proposal = _proposed(enter, awa)

    page = lost.get(f"/admin/core/proposal/{proposal.pk}/change/").content.decode()

    assert "cannot decide on it" in page
    assert "actions/approve/" not in page
    assert "actions/reject/" not in page
    assert not waiting_for(awa).exists()
    assert (
        "actions/approve/"
        in enter(Role.APPROVER).get(f"/admin/core/proposal/{proposal.pk}/change/").content.decode()
    )


def test_batch_leaves_out_the_reset_of_ones_own_and_says_why(
    world: World, awa: User, lost: Client, enter: Enter
) -> None:
    proposal = _proposed(enter, awa)
    Proposal.objects.filter(pk=world.verification.pk).update(proposer=person("ibrahima", Role.FINANCE))
    keys = {"pk": [world.verification.pk, proposal.pk]}
    seen = {f"seen-{row.pk}": row.digest for row in (world.verification, proposal)}
    session = lost.session
    accept_code(session, now=clock.now())
    session.save()

    asked = lost.get("/admin/core/proposal/actions/approve/", keys).content.decode()
    result = lost.post("/admin/core/proposal/actions/approve/", {**keys, **seen}).content.decode()

    for page in (asked, result):
        assert "This is about the second factor of awa, who cannot decide on it." in page
    proposal.refresh_from_db()
    assert (proposal.state, _unchanged(awa)) == ("open", True)


def test_person_cannot_propose_the_reset_of_their_own(awa: User, enter: Enter) -> None:
    operator = User.objects.get(pk=enter(Role.OPERATOR).session["_auth_user_id"])
    TOTPDevice.objects.create(user=operator, name="authenticator", confirmed=True)

    with pytest.raises(OwnSecondFactorReset):
        propose_reset(user_pk=operator.pk, reason="lost", proposer=operator, now=clock.now())

    assert not Proposal.objects.exists()


def test_own_reset_is_not_proposed_past_the_service(awa: User, enter: Enter) -> None:
    operator = User.objects.get(pk=enter(Role.OPERATOR).session["_auth_user_id"])
    TOTPDevice.objects.create(user=operator, name="authenticator", confirmed=True)

    with pytest.raises(OwnSecondFactorReset):
        propose(kind="second_factor_reset", subject_id=str(operator.pk), proposer=operator, now=clock.now())

    assert not Proposal.objects.exists()


def test_own_void_reset_is_not_proposed_again(awa: User, enter: Enter) -> None:
    browser = enter(Role.OPERATOR)
    operator = User.objects.get(pk=browser.session["_auth_user_id"])
    device = TOTPDevice.objects.create(user=operator, name="authenticator", confirmed=True)
    browser.force_login(operator)
    session = browser.session
    session["otp_device_id"] = device.persistent_id
    accept_code(session, now=clock.now())
    session.save()
    other = person("moussa", Role.OPERATOR)
    proposal = propose_reset(user_pk=operator.pk, reason="lost", proposer=other, now=clock.now())
    User.objects.filter(pk=operator.pk).update(first_name="Void")

    page = browser.get(f"/admin/core/proposal/{proposal.pk}/change/").content.decode()
    url = "/admin/core/proposal/actions/propose-again/"
    answer = browser.post(url, {"pk": proposal.pk, "reason": "again"}).content.decode()

    assert "propose-again" not in page
    assert "cannot decide on it" in answer
    assert Proposal.objects.get().state == "open"


@pytest.mark.parametrize("role", [Role.FINANCE, Role.APPROVER, Role.AUDITOR])
def test_only_operators_propose_a_reset(awa: User, enter: Enter, role: Role) -> None:
    response = enter(role).post(PROPOSE, {"pk": awa.pk, "reason": "lost"})

    assert (response.status_code, Proposal.objects.exists()) == (403, False)


def test_reset_needs_a_reason(awa: User, enter: Enter) -> None:
    response = enter(Role.OPERATOR).post(PROPOSE, {"pk": awa.pk, "reason": " "})

    assert (response.status_code, Proposal.objects.exists()) == (200, False)


def test_there_is_nothing_to_reset_without_an_authenticator(awa: User, enter: Enter) -> None:
    operator = User.objects.get(pk=enter(Role.OPERATOR).session["_auth_user_id"])
    moussa = person("moussa", Role.FINANCE)

    with pytest.raises(NoSecondFactor):
        propose_reset(user_pk=moussa.pk, reason="lost", proposer=operator, now=clock.now())
    with pytest.raises(PersonMissing):
        propose_reset(user_pk=0, reason="lost", proposer=operator, now=clock.now())

    assert not Proposal.objects.exists()


def test_superuser_alone_deletes_no_device(awa: User, enter: Enter) -> None:
    device = TOTPDevice.objects.get(user=awa)
    client = enter(None)
    assert device.key not in client.get(f"/admin/otp_totp/totpdevice/{device.pk}/change/").content.decode()

    response = client.post(f"/admin/otp_totp/totpdevice/{device.pk}/delete/", {"post": "yes"})

    assert (response.status_code, _unchanged(awa)) == (403, True)
