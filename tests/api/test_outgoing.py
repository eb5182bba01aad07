"""One person pauses outgoing money; two people resume it."""

from typing import Any

import pytest
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from sunusav.core import clock
from sunusav.core.band_services import BandValue
from sunusav.core.models import Proposal, Switch, TrailEntry
from sunusav.core.roles import Role
from sunusav.core.switches import outgoing
from tests.factories.bands import set_band
from tests.factories.users import client_in, client_of, make_user

pytestmark = pytest.mark.django_db

PAUSE = "/monetization/outgoing/pause"
RESUME = "/monetization/outgoing/resume"


def _pause() -> Any:
    return client_in(Role.OPERATOR).post(PAUSE, {"reason": "node looks odd"})


@pytest.mark.parametrize("role", [Role.FINANCE, Role.APPROVER, Role.OPERATOR])
def test_pause_takes_effect_at_once(role: Role) -> None:
    answer = client_in(role).post(PAUSE, {"reason": "node looks odd"})
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["reason"]) == ("paused", "node looks odd")
    assert not outgoing().is_open
    assert TrailEntry.objects.get(action="pause").to_state == "paused"


@pytest.mark.parametrize("role", [Role.PLATFORM, Role.AUDITOR])
def test_pause_is_refused_to_others(role: Role) -> None:
    assert client_in(role).post(PAUSE, {"reason": "x"}).status_code == 403
    assert not Switch.objects.exists()


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": " "}, {"reason": 1}, {"reason": "x", "y": 1}]
)
def test_pause_needs_a_reason(body: dict[str, Any]) -> None:
    assert client_in(Role.OPERATOR).post(PAUSE, body).json()["code"] == "invalid-request"
    assert not Switch.objects.exists()


def test_resume_proposed_by_one_and_approved_by_another_opens() -> None:
    _pause()
    proposed = client_in(Role.FINANCE).post(RESUME, {"reason": "healthy again"})
    assert (proposed.status_code, proposed.json()["status"]) == (202, "paused")
    approved = client_in(Role.APPROVER).post(RESUME, {"reason": "seen it"})
    assert (approved.status_code, approved.json()["status"]) == (200, "open")
    assert approved.json()["proposal_id"] == proposed.json()["proposal_id"]
    assert outgoing().is_open


def test_resume_that_needs_two_approvals_opens_with_the_second() -> None:
    _pause()
    set_band(BandValue("outgoing_resume", approvals_needed=2), now=clock.now())
    proposed = client_in(Role.FINANCE).post(RESUME, {"reason": "healthy again"})
    assert (proposed.json()["approvals_needed"], proposed.json()["approvals_given"]) == (2, 0)
    first = client_in(Role.APPROVER).post(RESUME, {"reason": "seen it"})
    assert (first.status_code, first.json()["status"], first.json()["approvals_given"]) == (202, "paused", 1)
    assert not outgoing().is_open
    second = client_in(Role.APPROVER).post(RESUME, {"reason": "seen it"})
    assert (second.status_code, second.json()["status"], second.json()["approvals_given"]) == (200, "open", 2)
    assert outgoing().is_open


def test_proposer_does_not_approve() -> None:
    _pause()
    user = make_user(Role.FINANCE, is_superuser=True)
    client = client_of(user)
    client.post(RESUME, {"reason": "healthy again"})
    refused = client.post(RESUME, {"reason": "healthy again"})
    assert (refused.status_code, refused.json()["code"]) == (403, "approver-is-proposer")
    assert not outgoing().is_open


def test_approver_alone_does_not_propose() -> None:
    _pause()
    refused = client_in(Role.APPROVER).post(RESUME, {"reason": "x"})
    assert (refused.status_code, refused.json()["code"]) == (403, "not-allowed-to-decide")
    assert not Proposal.objects.exists()


def test_two_proposers_do_not_make_an_approval() -> None:
    _pause()
    client_in(Role.FINANCE).post(RESUME, {"reason": "x"})
    refused = client_in(Role.FINANCE).post(RESUME, {"reason": "x"})
    assert (refused.status_code, refused.json()["code"]) == (403, "not-allowed-to-decide")
    assert not outgoing().is_open


def test_service_does_not_approve() -> None:
    _pause()
    client_in(Role.OPERATOR).post(RESUME, {"reason": "x"})
    refused = client_in(Role.OPERATOR).post(RESUME, {"reason": "x"})
    assert (refused.status_code, refused.json()["code"]) == (403, "person-required")


def test_approval_asks_for_a_fresh_code() -> None:
    _pause()
    client_in(Role.OPERATOR).post(RESUME, {"reason": "x"})
    approver = make_user(Role.APPROVER)
    device = TOTPDevice.objects.create(user=approver, confirmed=True)
    client = client_of(approver)
    refused = client.post(RESUME, {"reason": "x"})
    assert (refused.status_code, refused.json()["code"]) == (403, "second-factor-refused")
    assert not outgoing().is_open
    code = f"{totp(device.bin_key):06d}"
    assert client.post(RESUME, {"reason": "x"}, HTTP_X_OTP=code).status_code == 200
    assert outgoing().is_open


def test_resume_without_a_pause_is_refused() -> None:
    refused = client_in(Role.FINANCE).post(RESUME, {"reason": "x"})
    assert (refused.status_code, refused.json()["code"]) == (409, "outgoing-not-paused")


@pytest.mark.parametrize("role", [Role.PLATFORM, Role.AUDITOR])
def test_resume_is_refused_to_others(role: Role) -> None:
    assert client_in(role).post(RESUME, {"reason": "x"}).status_code == 403
