"""Evidence that people add to a subject as files, which nobody changes or deletes afterwards.

A file is on the disk before its row is committed. One whose row was never committed is deleted by the daily clean-up.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from io import BytesIO
from typing import Any, Final

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import QuerySet

from sunusav.core import attachment_files as files
from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.attachment_files import Written
from sunusav.core.auditing import chunks
from sunusav.core.errors import Conflict, DomainError, Missing
from sunusav.core.locks import lock
from sunusav.core.models import Attachment
from sunusav.core.subjects import require_subject
from sunusav.core.uploads import AttachmentTooLarge, CheckedUpload, check_upload

LOCK: Final = "attachments"
MOST_ATTACHMENTS: Final = 10
VIEW: Final = "core.view_attachment"
DOWNLOAD: Final = "core.download_attachment"
# A file without a row is left for this long: its transaction may still be open.
WITHOUT_ROW_FOR: Final = timedelta(days=1)


class TooManyAttachments(Conflict):
    """The subject has as many attachments as one may have."""

    subject: str
    most_attachments: int


class AttachmentAlreadyAdded(Conflict):
    """The subject has a file with this content already, perhaps under another name."""

    attachment_id: int
    name: str


class AttachmentMissing(Missing):
    """The file of an attachment is not in the folder of attachments."""

    attachment_id: int
    name: str


class AttachmentDiffers(Conflict):
    """The file of an attachment is not what was added."""

    attachment_id: int
    name: str


def add_attachment(*, subject: str, upload: UploadedFile[Any], actor: Actor, now: datetime) -> Attachment:
    """Add a file to a subject as evidence, by a person.

    Raises: SubjectKindUnknown, SubjectMissing, AttachmentEmpty, AttachmentTooLarge, AttachmentTypeUnknown,
    AttachmentTypeDiffers, TooManyAttachments, AttachmentAlreadyAdded.
    """
    assert actor.user_id is not None, "people attach files"  # noqa: S101  (a programmer's mistake)
    require_subject(subject)
    checked, stored_name = check_upload(upload), files.new_name()
    try:
        written = files.write(stored_name, _blocks(upload, checked.name))
        row = _new_row(subject, checked, written, added_by_id=actor.user_id, added_at=now)
        row.stored_name = stored_name
        _record(row, actor=actor)
    except DomainError:
        # Not after other errors: a commit that was not confirmed may have happened. The clean-up looks for the row.
        files.delete(stored_name)
        raise
    return row


def attachments_of(subject: str) -> QuerySet[Attachment]:
    """Return the attachments of a subject, the oldest first, with who added them."""
    return Attachment.objects.filter(subject=subject).select_related("added_by").order_by("pk")


def open_attachment(attachment: Attachment) -> BytesIO:
    """Return the content of an attachment, read once and compared with its hash: what is served is what was compared.

    Raises: AttachmentMissing, AttachmentDiffers.
    """
    named: dict[str, Any] = {"attachment_id": attachment.pk, "name": attachment.name}
    try:
        content = files.read(attachment.stored_name, most_bytes=attachment.size_bytes + 1)
    except FileNotFoundError as error:
        raise AttachmentMissing(**named) from error
    if sha256(content).hexdigest() != attachment.sha256:
        raise AttachmentDiffers(**named)
    return BytesIO(content)


def record_download(*, attachment: Attachment, actor: Actor, now: datetime) -> None:
    """Append to the trail of the subject that a person downloads an attachment."""
    trail.record(
        subject=attachment.subject, action="download_attachment", actor=actor, at=now,
        facts={"name": attachment.name, "sha256": attachment.sha256},
    )  # fmt: skip


def clean_up_files(*, now: datetime) -> int:
    """Delete files that no row names a day after they were written; return how many."""
    deleted = 0
    for names in chunks(files.written_before(now - WITHOUT_ROW_FOR)):
        kept = Attachment.objects.filter(stored_name__in=names).values_list("stored_name", flat=True)
        unnamed = set(names) - set(kept)
        for name in unnamed:
            files.delete(name)
        deleted += len(unnamed)
    return deleted


def _blocks(upload: UploadedFile[Any], name: str) -> Iterator[bytes]:
    """Yield the content in blocks, at most as much as is allowed, whatever size was reported.

    Raises: AttachmentTooLarge.
    """
    left = settings.ATTACHMENT_MOST_BYTES
    for block in upload.chunks(files.BLOCK):
        left -= len(block)
        if left < 0:
            raise AttachmentTooLarge(name=name, most_bytes=settings.ATTACHMENT_MOST_BYTES)
        yield block


def _new_row(subject: str, checked: CheckedUpload, written: Written, **added: Any) -> Attachment:
    return Attachment(
        subject=subject, name=checked.name, media_type=checked.media_type, size_bytes=written.size_bytes,
        sha256=written.sha256, **added,
    )  # fmt: skip


def _record(row: Attachment, *, actor: Actor) -> None:
    """Insert the row and its line of the trail; the lock makes callers count one after the other.

    Raises: TooManyAttachments, AttachmentAlreadyAdded.
    """
    with transaction.atomic():
        lock(LOCK)
        others = list(attachments_of(row.subject))
        if same := next((one for one in others if one.sha256 == row.sha256), None):
            raise AttachmentAlreadyAdded(attachment_id=same.pk, name=same.name)
        if len(others) >= MOST_ATTACHMENTS:
            raise TooManyAttachments(subject=row.subject, most_attachments=MOST_ATTACHMENTS)
        row.save(force_insert=True)
        trail.record(
            subject=row.subject, action="attach", actor=actor, at=row.added_at,
            facts={"name": row.name, "sha256": row.sha256, "size_bytes": row.size_bytes},
        )  # fmt: skip
