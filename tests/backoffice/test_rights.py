"""On a member's page finance downloads what is kept about them, and proposes a correction that an approver decides."""

import json
from typing import Any

import pytest
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from payouts.models import Member
from payouts.queries.people import known_names, known_phones
from sunusav.core.models import Proposal, TrailEntry, User
from sunusav.core.roles import Role, sync_roles
from tests.backoffice.conftest import Enter
from tests.factories.payouts import make_group

pytestmark = pytest.mark.django_db

MEMBERS = "/admin/payouts/member/"
EXPORT, CORRECT = f"{MEMBERS}actions/export/", f"{MEMBERS}actions/propose-correction/"


@pytest.fixture(autouse=True)
def roles(db: None) -> None:
    sync_roles()


@pytest.fixture
def awa() -> Member:
    return make_group(members=2, id="g-1").members.get(user_id="user-0")


def page(client: Client, url: str) -> str:
    answer = client.get(url, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def decide(client: Client, proposal: Proposal) -> Any:
    sent = {"pk": proposal.pk, f"seen-{proposal.pk}": proposal.digest}
    return client.post("/admin/core/proposal/actions/approve/", sent, follow=True)


def test_finance_downloads_an_export_with_a_reason(enter: Enter, awa: Member) -> None:
    finance = enter(Role.FINANCE)
    assert f"{EXPORT}?pk={awa.pk}" in page(finance, f"{MEMBERS}{awa.pk}/change/")
    assert "Awa Ndiaye" not in page(finance, f"{EXPORT}?pk={awa.pk}")

    answer = finance.post(EXPORT, {"pk": awa.pk, "reason": "asked in writing"})

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="member-user-0.json"'
    assert "no-store" in answer.headers["Cache-Control"]
    assert json.loads(answer.content)["sections"]["memberships"][0]["name"] == "Awa Ndiaye"
    entry = TrailEntry.objects.get()
    assert (entry.subject, entry.action, entry.actor_label, entry.reason) == (
        "member:user-0", "export_person", "a-finance", "asked in writing",
    )  # fmt: skip
    assert "What is kept about the person is exported" in page(finance, f"{MEMBERS}{awa.pk}/change/")


def test_export_without_a_reason_or_code_is_not_made(enter: Enter, awa: Member) -> None:
    finance = enter(Role.FINANCE)
    assert "This field is required" in finance.post(EXPORT, {"pk": awa.pk, "reason": " "}).content.decode()
    device = TOTPDevice.objects.create(user=User.objects.get(username="a-finance"), name="authenticator")
    session = finance.session
    session["otp_device_id"] = device.persistent_id
    session.save()
    refused = finance.post(EXPORT, {"pk": awa.pk, "reason": "asked"}).content.decode()
    assert "missing, wrong or already used" in refused
    assert "Awa Ndiaye" not in refused
    assert not TrailEntry.objects.exists()


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR, Role.OPERATOR])
def test_other_roles_than_finance_export_and_propose_nothing(enter: Enter, awa: Member, role: Role) -> None:
    client = enter(role)
    for url, sent in ((EXPORT, {"reason": "x"}), (CORRECT, {"reason": "x", "display_name": "Fatou"})):
        assert client.get(f"{url}?pk={awa.pk}").status_code == 403
        assert client.post(url, {"pk": awa.pk, **sent}).status_code == 403
    assert not Proposal.objects.exists()
    assert not TrailEntry.objects.exists()


def test_correction_is_shown_masked_and_applied_once_approved(enter: Enter, awa: Member) -> None:
    finance, approver = enter(Role.FINANCE), enter(Role.APPROVER)
    sent = {"pk": awa.pk, "display_name": "Fatou Diop", "phone": "+221 77 000 00 09", "reason": "card seen"}
    finance.post(CORRECT, sent)
    proposal = Proposal.objects.get()
    shown = page(approver, f"/admin/core/proposal/{proposal.pk}/change/")
    for text in ("A. N.", "F. D.", "+22177•••••67", "+22177•••••09", "Correct a member&#x27;s name or phone"):
        assert text in shown
    assert "Fatou" not in shown
    decide(approver, proposal)
    assert (known_names("user-0"), known_phones("user-0")) == ({"Fatou Diop"}, {"+221770000009"})
    assert "card seen" in page(finance, f"{MEMBERS}{awa.pk}/change/")


@pytest.mark.parametrize(
    ("sent", "refusal"),
    [
        ({}, "Give a name, a phone, or both."),
        ({"phone": "12"}, "A phone number such as +221771234567 is required."),
        ({"display_name": "Awa Ndiaye"}, "Nothing would change for user-0."),
    ],
)
def test_empty_or_malformed_correction_is_refused_on_its_form(
    enter: Enter, awa: Member, sent: dict[str, str], refusal: str
) -> None:
    answer = enter(Role.FINANCE).post(CORRECT, {"pk": awa.pk, "reason": "card seen", **sent})
    assert refusal in answer.content.decode()
    assert not Proposal.objects.exists()
