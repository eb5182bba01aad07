"""Files that people add to a subject: checked, stored once and privately, compared whenever they are read."""

import os
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from pytest_django import Settings

from sunusav.api.cleaning import clean_up
from sunusav.core.actors import Actor
from sunusav.core.attachment_invariants import ATTACHMENT_INVARIANTS
from sunusav.core.attachments import (
    MOST_ATTACHMENTS,
    AttachmentAlreadyAdded,
    AttachmentDiffers,
    AttachmentMissing,
    TooManyAttachments,
    add_attachment,
    attachments_of,
    open_attachment,
    record_download,
)
from sunusav.core.auditing import AuditScope
from sunusav.core.errors import DomainError
from sunusav.core.models import Attachment, MediaType, TrailEntry, User
from sunusav.core.subjects import SubjectMissing
from sunusav.core.uploads import (
    AttachmentEmpty,
    AttachmentTooLarge,
    AttachmentTypeDiffers,
    AttachmentTypeUnknown,
    clean_name,
)
from tests.factories.attachments import HTML, JPEG, NOW, PDF, PNG, attached, upload
from tests.factories.users import make_user
from tests.support.at_once import at_once
from tests.support.triggers import refusing_inserts

pytestmark = pytest.mark.django_db

MOST = 1_000


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.ATTACHMENTS_DIR = tmp_path / "attachments"
    settings.ATTACHMENT_MOST_BYTES = MOST
    return tmp_path / "attachments"


@pytest.fixture
def awa() -> User:
    return make_user(username="awa")


def stored(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def refused(awa: User, sent: SimpleUploadedFile) -> DomainError:
    """Add an upload that is refused; nothing is stored and no line is written."""
    with pytest.raises(DomainError) as refusal:
        add_attachment(subject="user:awa", upload=sent, actor=Actor.of(awa), now=NOW)
    assert (Attachment.objects.count(), TrailEntry.objects.count()) == (0, 0)
    return refusal.value


# Adding


def test_add_stores_the_file_its_row_and_a_line_of_the_trail(awa: User, folder: Path) -> None:
    row = add_attachment(subject="user:awa", upload=upload("Relevé.pdf"), actor=Actor.of(awa), now=NOW)

    digest = sha256(PDF).hexdigest()
    row.refresh_from_db()
    assert (row.subject, row.name, row.media_type) == ("user:awa", "Relevé.pdf", "application/pdf")
    assert (row.size_bytes, row.sha256, row.added_by, row.added_at) == (len(PDF), digest, awa, NOW)
    assert stored(folder) == [row.stored_name]
    assert (folder / row.stored_name).read_bytes() == PDF
    entry = TrailEntry.objects.get()
    assert (entry.subject, entry.action, entry.actor, entry.at) == ("user:awa", "attach", awa, NOW)
    assert entry.facts == {"name": "Relevé.pdf", "sha256": digest, "size_bytes": len(PDF)}


def test_file_is_readable_by_nobody_else(folder: Path) -> None:
    row = attached()

    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / row.stored_name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("a.pdf", PDF, MediaType.PDF), ("A.PDF", PDF, MediaType.PDF), ("a.png", PNG, MediaType.PNG),
        ("a.jpg", JPEG, MediaType.JPEG), ("a.JPEG", JPEG, MediaType.JPEG),
    ],
)  # fmt: skip
def test_type_is_that_of_the_content(name: str, content: bytes, media_type: MediaType) -> None:
    assert attached(name, content).media_type == media_type


@pytest.mark.parametrize(
    "content",
    [HTML, HTML + PDF, b" %PDF-1.7", b"%PDF", b"GIF89a", b"PK\x03\x04", b"\x89PNG\r\n", b"\xff\xd8", b"\0"],
)
def test_content_of_another_type_is_refused_whatever_its_name(
    awa: User, folder: Path, content: bytes
) -> None:
    for name in ("a.pdf", "a.png", "a.jpg", "a.html"):
        refusal = refused(awa, upload(name, content))
        assert isinstance(refusal, AttachmentTypeUnknown)
        assert refusal.facts == {"name": name}
    assert stored(folder) == []


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("a.pdf", PNG, "image/png"), ("a.png", JPEG, "image/jpeg"), ("a.jpg", PDF, "application/pdf"),
        ("a.pdf.exe", PDF, "application/pdf"), ("a", PDF, "application/pdf"), (".pdf", PDF, "application/pdf"),
        ("a.pdf\r\nX: y", PDF, "application/pdf"), ("a.pdf\0.html", PDF, "application/pdf"),
    ],
)  # fmt: skip
def test_name_that_does_not_end_as_its_content_is_refused(
    awa: User, folder: Path, name: str, content: bytes, media_type: str
) -> None:
    refusal = refused(awa, upload(name, content))

    assert isinstance(refusal, AttachmentTypeDiffers)
    assert refusal.facts == {"name": clean_name(name), "media_type": media_type}
    assert stored(folder) == []


def test_empty_file_is_refused(awa: User, folder: Path) -> None:
    refusal = refused(awa, upload(content=b""))

    assert isinstance(refusal, AttachmentEmpty)
    assert (refusal.facts, stored(folder)) == ({"name": "statement.pdf"}, [])


def test_file_of_the_largest_size_is_accepted_and_one_byte_more_is_refused(awa: User, folder: Path) -> None:
    refusal = refused(awa, upload(content=PDF.ljust(MOST + 1)))

    assert isinstance(refusal, AttachmentTooLarge)
    assert refusal.facts == {"name": "statement.pdf", "most_bytes": MOST}
    assert attached(content=PDF.ljust(MOST)).size_bytes == MOST
    assert len(stored(folder)) == 1


def test_file_that_is_longer_than_reported_is_refused_and_not_kept(awa: User, folder: Path) -> None:
    sent = upload(content=PDF.ljust(MOST + 1))
    sent.size = 10

    assert isinstance(refused(awa, sent), AttachmentTooLarge)
    assert stored(folder) == []


def test_subject_that_does_not_exist_is_refused(awa: User, folder: Path) -> None:
    with pytest.raises(SubjectMissing):
        add_attachment(subject="user:nobody", upload=upload(), actor=Actor.of(awa), now=NOW)
    assert stored(folder) == []


def test_same_content_is_attached_once_to_a_subject(awa: User, folder: Path) -> None:
    first = attached("a.pdf", by=awa)

    with pytest.raises(AttachmentAlreadyAdded) as refusal:
        attached("b.pdf", by=awa)

    assert refusal.value.facts == {"attachment_id": first.pk, "name": "a.pdf"}
    assert (stored(folder), TrailEntry.objects.count()) == ([first.stored_name], 1)
    assert attached("a.pdf").sha256 == first.sha256  # of another subject


def test_subject_has_ten_attachments_at_most(awa: User, folder: Path) -> None:
    rows = [attached(content=PDF + bytes([number]), by=awa) for number in range(MOST_ATTACHMENTS)]

    with pytest.raises(TooManyAttachments) as refusal:
        attached(by=awa)

    assert refusal.value.facts == {"subject": "user:awa", "most_attachments": 10}
    assert (list(attachments_of("user:awa")), len(stored(folder))) == (rows, 10)
    assert TrailEntry.objects.count() == 10


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_attachments_added_at_once_are_no_more_than_ten(awa: User, folder: Path) -> None:
    def add(number: int) -> Any:
        return lambda: attached(content=PDF + bytes([number]), by=awa)

    answers = at_once([add(number) for number in range(MOST_ATTACHMENTS + 3)])

    assert sum(isinstance(answer, TooManyAttachments) for answer in answers) == 3
    assert (Attachment.objects.count(), len(stored(folder))) == (10, 10)


@pytest.mark.django_db(transaction=True)
def test_file_whose_row_may_be_committed_is_left_to_the_clean_up(folder: Path) -> None:
    awa = make_user(username="awa")
    with refusing_inserts(connection, "core_trailentry"), pytest.raises(DatabaseError, match="takes no rows"):
        attached(by=awa)

    assert (Attachment.objects.count(), len(stored(folder))) == (0, 1)
    assert clean_up(now=NOW + timedelta(days=3650))["files_without_attachment"] == 1


@pytest.mark.parametrize(
    "statement", ["UPDATE core_attachment SET name = 'x'", "DELETE FROM core_attachment"]
)
def test_row_can_be_neither_changed_nor_deleted(statement: str) -> None:
    attached()
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


# Names


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../x.pdf", "x.pdf"), ("a\r\nX: y.pdf", "a X: y.pdf"),
        ("😀" * 300 + ".pdf", "😀" * 116 + ".pdf"), ('"; x="<b>.pdf', '"; x="<b>.pdf'),
    ],
)  # fmt: skip
def test_hostile_name_is_stored_harmless_and_names_no_file(folder: Path, name: str, kept: str) -> None:
    row = attached(name)

    row.refresh_from_db()
    assert row.name == kept
    assert stored(folder) == [row.stored_name]


# Reading


def test_open_returns_what_was_added() -> None:
    assert open_attachment(attached(content=PDF)).read() == PDF


def test_missing_file_is_refused(folder: Path) -> None:
    row = attached()
    (folder / row.stored_name).unlink()

    with pytest.raises(AttachmentMissing) as refusal:
        open_attachment(row)
    assert refusal.value.facts == {"attachment_id": row.pk, "name": "statement.pdf"}


@pytest.mark.parametrize(
    "content", [PDF.replace(b"bank", b"Bank"), PDF + b"\n", PDF[:-1], b"", PDF * 1_000], ids=len
)
def test_tampered_file_is_refused(folder: Path, content: bytes) -> None:
    row = attached()
    (folder / row.stored_name).write_bytes(content)

    with pytest.raises(AttachmentDiffers) as refusal:
        open_attachment(row)
    assert refusal.value.facts == {"attachment_id": row.pk, "name": "statement.pdf"}


def test_download_leaves_a_line_in_the_trail_of_the_subject(awa: User) -> None:
    row, reader = attached(by=awa), make_user(username="fatou")

    record_download(attachment=row, actor=Actor.of(reader), now=NOW)

    entry = TrailEntry.objects.latest("pk")
    assert (entry.subject, entry.action, entry.actor) == ("user:awa", "download_attachment", reader)
    assert entry.facts == {"name": "statement.pdf", "sha256": row.sha256}


# The audit


def breaches(*, is_full: bool) -> list[tuple[str, str, str]]:
    scope = AuditScope(now=NOW + timedelta(hours=1), since=None if is_full else NOW - timedelta(hours=1))
    found = [breach for rule in ATTACHMENT_INVARIANTS for breach in rule.find(scope)]
    return [(one.invariant, one.subject, one.detail) for one in found]


@pytest.mark.parametrize("is_full", [True, False])
def test_audit_finds_nothing_in_what_was_added(*, is_full: bool) -> None:
    assert breaches(is_full=is_full) == []
    attached("a.pdf")
    attached("a.png", PNG)
    assert breaches(is_full=is_full) == []


@pytest.mark.parametrize("is_full", [True, False])
def test_both_audits_name_a_file_that_is_missing_or_has_another_size(folder: Path, *, is_full: bool) -> None:
    gone, cut = attached(), attached("a.png", PNG)
    attached("b.jpg", JPEG)
    (folder / gone.stored_name).unlink()
    (folder / cut.stored_name).write_bytes(PNG[:-1])

    assert breaches(is_full=is_full) == [
        ("I31", f"attachment:{gone.pk}", "its file is missing"),
        ("I31", f"attachment:{cut.pk}", "its file has 15 bytes, not 16"),
    ]


def test_full_audit_names_a_file_with_other_content(folder: Path) -> None:
    row = attached()
    (folder / row.stored_name).write_bytes(PDF.replace(b"bank", b"Bank"))

    assert breaches(is_full=False) == []
    assert breaches(is_full=True) == [("I31", f"attachment:{row.pk}", "its file does not fit its hash")]


def test_fast_audit_looks_at_what_was_added_lately(folder: Path) -> None:
    old = attached(at=NOW - timedelta(hours=2))
    (folder / old.stored_name).unlink()

    assert breaches(is_full=False) == []
    assert breaches(is_full=True) == [("I31", f"attachment:{old.pk}", "its file is missing")]


# Cleaning up


@pytest.fixture
def left_behind(folder: Path) -> Path:
    """Put a file there that no row names."""
    folder.mkdir(exist_ok=True)
    path = folder / ("ab" * 32)
    path.write_bytes(PDF)
    return path


def written_at(path: Path, seconds_ago: float) -> None:
    moment = NOW.timestamp() - seconds_ago
    os.utime(path, (moment, moment))


def cleaned() -> int:
    return clean_up(now=NOW)["files_without_attachment"]


def test_clean_up_deletes_a_file_without_a_row_after_a_day(folder: Path, left_behind: Path) -> None:
    row = attached()
    written_at(folder / row.stored_name, 30 * 86_400)
    written_at(left_behind, 86_400)
    assert (cleaned(), len(stored(folder))) == (0, 2)

    written_at(left_behind, 86_401)

    assert (cleaned(), stored(folder)) == (1, [row.stored_name])


def test_clean_up_leaves_files_that_have_no_name_of_ours(folder: Path, left_behind: Path) -> None:
    others = [folder / "lost+found", folder / "AB" / "x", folder / ("g" * 64), folder / ("ab" * 33)]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(PDF)
        written_at(path, 30 * 86_400)
    (folder / ("cd" * 32)).mkdir()
    written_at(folder / ("cd" * 32), 30 * 86_400)

    assert cleaned() == 0
    assert all(path.exists() for path in others)


def test_clean_up_without_a_folder_deletes_nothing() -> None:
    assert cleaned() == 0
