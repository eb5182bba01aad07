"""People attach a file by an action, see it on the page of its subject, and download it with a right."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.messages import get_messages
from django.http import HttpRequest
from django.test import Client
from django.utils import translation
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from sunusav.backoffice.actions import Action, Decision
from sunusav.backoffice.attachments import AttachmentField, attachment_sections
from sunusav.backoffice.forms import ReasonAndCodeForm, ReasonForm
from sunusav.backoffice.sections import Section, Table
from sunusav.core import clock
from sunusav.core.attachments import add_attachment, attachments_of
from sunusav.core.models import Attachment, Switch, TrailEntry, User
from sunusav.core.roles import Role, sync_roles
from sunusav.core.second_factor import make_recovery_codes
from sunusav.core.switches import SUBJECT, pause_outgoing
from tests.backoffice.conftest import Enter
from tests.backoffice.world import person
from tests.factories.attachments import HTML, PDF, PNG, attached, upload
from tests.factories.payouts import ACTOR, NOW

pytestmark = pytest.mark.django_db

PAGE, ATTACH = "/admin/core/switch/outgoing/change/", "/admin/core/switch/actions/attach/"
READERS = [Role.FINANCE, Role.APPROVER, Role.AUDITOR]


class AttachForm(ReasonForm):
    evidence = AttachmentField()


class AttachAndCodeForm(ReasonAndCodeForm):
    evidence = AttachmentField()


def attach(decision: Decision) -> None:
    add_attachment(
        subject=SUBJECT, upload=decision.form_data["evidence"], actor=decision.actor, now=decision.now
    )


ACTION = Action(
    slug="attach", label="Attach", question="Which file?", done="attached", run=attach, form=AttachForm,
    permission="core.propose_resume_outgoing",
)  # fmt: skip


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.ATTACHMENTS_DIR = tmp_path / "attachments"
    return tmp_path / "attachments"


@pytest.fixture(autouse=True)
def switch_page(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the page of the switch an action that attaches a file, and the section of its attachments."""
    sync_roles()
    pause_outgoing(actor=ACTOR, reason="odd node", now=NOW)
    switch_admin: Any = admin.site._registry[Switch]
    shown = switch_admin.sections

    def sections(request: HttpRequest, row: Any) -> Sequence[Section]:
        assert isinstance(request.user, User)
        return [*attachment_sections(SUBJECT, user=request.user), *shown(request, row)]

    monkeypatch.setattr(switch_admin, "actions_offered", (ACTION,))
    monkeypatch.setattr(switch_admin, "sections", sections)


def send(client: Client, **sent: Any) -> Any:
    return client.post(ATTACH, {"pk": "outgoing", "reason": "seen at the bank", **sent})


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def url_of(row: Attachment) -> str:
    return f"/admin/attachments/{row.pk}/"


def download(client: Client, row: Attachment) -> Any:
    response = client.get(url_of(row))
    assert response.status_code == 200
    return response


# Attaching by an action


def test_confirmation_asks_for_a_file_in_a_form_that_sends_it(enter: Enter) -> None:
    page = enter(Role.FINANCE).get(ATTACH, {"pk": "outgoing"}).content.decode()

    assert '<form method="post" enctype="multipart/form-data">' in page
    assert 'type="file" name="evidence" accept=".pdf,.png,.jpg,.jpeg" required' in page
    assert "PDF, PNG or JPEG, at most 5.0\u00a0MB. It is kept for good" in page


def test_form_without_a_file_is_sent_as_before(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    without = Action(
        slug="attach",
        label="Attach",
        question="?",
        done="done",
        run=attach,
        permission=str(ACTION.permission),
    )
    monkeypatch.setattr(admin.site._registry[Switch], "actions_offered", (without,))

    page = enter(Role.FINANCE).get(ATTACH, {"pk": "outgoing"}).content.decode()

    assert '<form method="post">' in page


def test_confirmed_file_is_attached_by_the_person(enter: Enter) -> None:
    response = send(enter(Role.FINANCE), evidence=upload("../../Relevé.pdf"))

    row = attachments_of(SUBJECT).get()
    assert response.status_code == 302
    assert (row.name, row.media_type, row.added_by.username) == ("Relevé.pdf", "application/pdf", "a-finance")
    assert said(response) == ["outgoing: attached"]


@pytest.mark.parametrize(
    ("name", "content", "refusal"),
    [
        ("a.pdf", PNG, "The content of a.pdf is PNG, but its ending says otherwise."),
        ("a.pdf", HTML, "The content of a.pdf is neither PDF, PNG nor JPEG."),
        ("a.pdf", b"", "The file a.pdf is empty."),
        ("a.pdf", PDF.ljust(5_242_881), "The file a.pdf is larger than 5.0\u00a0MB."),
        ("x.html", HTML, "The content of x.html is neither PDF, PNG nor JPEG."),
    ],
)
def test_refused_file_is_named_in_the_form_and_nothing_is_stored(
    enter: Enter, folder: Path, name: str, content: bytes, refusal: str
) -> None:
    lines = TrailEntry.objects.count()

    response = send(enter(Role.FINANCE), evidence=upload(name, content))

    assert response.status_code == 200
    [error] = response.context["form"].errors["evidence"]
    assert error.startswith(refusal)
    assert (Attachment.objects.count(), TrailEntry.objects.count(), folder.exists()) == (0, lines, False)


def test_form_without_its_file_is_refused(enter: Enter) -> None:
    response = send(enter(Role.FINANCE))

    assert response.context["form"].errors == {"evidence": ["This field is required."]}


def test_refusal_of_the_service_is_shown_and_keeps_the_reason(enter: Enter) -> None:
    client = enter(Role.FINANCE)
    send(client, evidence=upload("a.pdf"))

    response = send(client, evidence=upload("b.pdf"))

    assert "[attachment-already-added]" in response.content.decode()
    assert "seen at the bank" in response.content.decode()
    assert attachments_of(SUBJECT).get().name == "a.pdf"


def test_refused_file_uses_up_no_code(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    client, user = enter(Role.FINANCE), User.objects.get(username="a-finance")
    device = TOTPDevice.objects.create(user=user, name="authenticator", confirmed=True)
    session = client.session
    session["otp_device_id"] = device.persistent_id
    session.save()
    [code, *_] = make_recovery_codes(user, now=clock.now())
    monkeypatch.setattr(
        admin.site._registry[Switch], "actions_offered", (replace(ACTION, form=AttachAndCodeForm),)
    )

    refused = send(client, evidence=upload("a.pdf", PNG), code=code)
    assert refused.context["form"].errors.keys() == {"evidence"}
    accepted = send(client, evidence=upload("a.pdf"), code=code)

    assert (accepted.status_code, attachments_of(SUBJECT).count()) == (302, 1)


# The page of the subject


@pytest.mark.parametrize("role", READERS)
def test_page_shows_each_attachment_and_what_happened(enter: Enter, role: Role) -> None:
    row = attached("<b>.pdf", subject=SUBJECT, by=person("awa", Role.FINANCE), at=NOW)
    client = enter(role)
    download(client, row)

    page = client.get(PAGE).content.decode()

    assert f'<a href="{url_of(row)}">&lt;b&gt;.pdf</a>' in page
    for text in (f"{len(PDF)}\u00a0bytes", "awa", f'title="{row.sha256}"', "Attachments"):
        assert text in page
    assert f"File attached: &lt;b&gt;.pdf ({len(PDF)}\u00a0bytes)" in page
    assert "Attachment downloaded: &lt;b&gt;.pdf" in page


def test_section_shows_facts_of_each_in_order() -> None:
    user = person("awa", Role.FINANCE)
    first, second = (
        attached("a.pdf", subject=SUBJECT, by=user),
        attached("b.png", PNG, subject=SUBJECT, by=user),
    )

    [section] = attachment_sections(SUBJECT, user=person("fatou", Role.AUDITOR))

    assert isinstance(section, Table)
    assert [str(head) for head in section.heads] == ["file", "size", "added by", "added at", "SHA-256"]
    assert [(str(file), size, who) for file, size, who, *_ in section.rows] == [
        (f'<a href="{url_of(first)}">a.pdf</a>', f"{len(PDF)}\u00a0bytes", "awa"),
        (f'<a href="{url_of(second)}">b.png</a>', "16\u00a0bytes", "awa"),
    ]
    assert first.sha256[:4] in str(section.rows[0][-1])


def test_section_without_attachments_says_so() -> None:
    [section] = attachment_sections(SUBJECT, user=person("fatou", Role.AUDITOR))

    assert isinstance(section, Table)
    assert (section.rows, str(section.empty)) == ([], "No file is attached.")


def test_section_asks_the_database_once(django_assert_num_queries: Any) -> None:
    for number in range(5):
        attached(content=PDF + bytes([number]), subject=SUBJECT)
    user = person("fatou", Role.AUDITOR)
    user.has_perm("core.view_attachment")

    with django_assert_num_queries(1):
        attachment_sections(SUBJECT, user=user)


def test_operator_sees_no_attachments(enter: Enter) -> None:
    attached(subject=SUBJECT)

    page = enter(Role.OPERATOR).get(PAGE)

    assert page.status_code == 200
    assert 'id="attachments"' not in page.content.decode()


def test_timeline_and_section_are_in_french() -> None:
    attached("relevé.pdf", subject=SUBJECT)
    client = Client(headers={"accept-language": "fr"})
    client.force_login(person("fatou", Role.AUDITOR))

    page = client.get(PAGE).content.decode()

    assert f"Pièce jointe ajoutée : relevé.pdf ({len(PDF)}\u00a0octets)" in page
    assert "Pièces jointes" in page
    with translation.override("fr"):
        assert "5,0\u00a0Mio" in str(AttachmentField().help_text)


# The download


@pytest.mark.parametrize("role", READERS)
def test_download_returns_the_file_as_a_download_and_is_in_the_trail(enter: Enter, role: Role) -> None:
    row = attached("relevé.pdf", subject=SUBJECT)

    response = download(enter(role), row)

    assert b"".join(response) == PDF
    assert response.headers["Content-Type"] == "application/pdf"
    assert response.headers["Content-Disposition"] == "attachment; filename*=utf-8''relev%C3%A9.pdf"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Length"] == str(len(PDF))
    assert "no-store" in response.headers["Cache-Control"]
    entry = TrailEntry.objects.latest("pk")
    assert (entry.subject, entry.action, entry.actor_label) == (SUBJECT, "download_attachment", f"a-{role}")
    assert entry.facts == {"name": "relevé.pdf", "sha256": row.sha256}


def test_file_that_is_html_and_pdf_at_once_is_only_a_download(enter: Enter) -> None:
    content = b"%PDF-1.7\n" + HTML + PDF
    row = attached("page.html.pdf", content, subject=SUBJECT)

    response = download(enter(Role.AUDITOR), row)

    assert b"".join(response) == content
    assert response.headers["Content-Type"] == "application/pdf"
    assert response.headers["Content-Disposition"] == 'attachment; filename="page.html.pdf"'
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "disposition"),
    [
        ("../../x.pdf", 'attachment; filename="x.pdf"'),
        ("a\r\nX: y.pdf", 'attachment; filename="a X: y.pdf"'),
        ('"; filename="x.pdf', 'attachment; filename="\\"; filename=\\"x.pdf"'),
        ("a\u202efdp.exe.pdf", 'attachment; filename="afdp.exe.pdf"'),
    ],
)
def test_hostile_name_adds_no_header(enter: Enter, name: str, disposition: str) -> None:
    response = download(enter(Role.AUDITOR), attached(name, subject=SUBJECT))

    assert response.headers["Content-Disposition"] == disposition
    assert "X" not in response.headers


def test_operator_may_not_download(enter: Enter) -> None:
    row, lines = attached(subject=SUBJECT), TrailEntry.objects.count()

    response: Any = enter(Role.OPERATOR).get(url_of(row))

    assert response.status_code == 403
    assert response.context["roles"] == ["finance", "approver", "auditor"]
    assert TrailEntry.objects.count() == lines


def test_download_without_a_session_redirects_to_the_login(client: Client) -> None:
    response = client.get(url_of(attached(subject=SUBJECT)))

    assert (response.status_code, response.headers["Location"].split("?")[0]) == (302, "/admin/login/")


@pytest.mark.parametrize("number", [0, 10**9, 10**30, "9" * 5_000])
def test_download_of_an_unknown_attachment_is_not_found(enter: Enter, number: object) -> None:
    assert enter(Role.AUDITOR).get(f"/admin/attachments/{number}/").status_code == 404


@pytest.mark.parametrize(
    ("content", "code"), [(None, "attachment-missing"), (PDF[:-1] + b"x", "attachment-differs")]
)
def test_missing_or_tampered_file_is_not_served_and_not_recorded(
    enter: Enter, folder: Path, content: bytes | None, code: str
) -> None:
    row = attached(subject=SUBJECT)
    path, lines = folder / row.stored_name, TrailEntry.objects.count()
    path.unlink()
    if content is not None:
        path.write_bytes(content)

    response: Any = enter(Role.AUDITOR).get(url_of(row))

    assert (response.status_code, response.headers["Location"]) == (302, PAGE)
    assert f"[{code}]" in said(response)[-1]
    assert TrailEntry.objects.count() == lines


def test_refusal_for_a_subject_without_a_page_leads_to_the_first_page(enter: Enter, folder: Path) -> None:
    row = attached()
    (folder / row.stored_name).unlink()

    assert enter(Role.AUDITOR).get(url_of(row)).headers["Location"] == "/admin/"
