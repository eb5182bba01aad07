"""Files to attach, with the first bytes of their type."""

from datetime import UTC, datetime

from django.core.files.uploadedfile import SimpleUploadedFile

from sunusav.core.actors import Actor
from sunusav.core.attachments import add_attachment
from sunusav.core.models import Attachment, User
from tests.factories.users import make_user

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\nbank statement\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
HTML = b"<!DOCTYPE html><script>alert(document.domain)</script>"


def upload(name: str = "statement.pdf", content: bytes = PDF) -> SimpleUploadedFile:
    """Return an upload; what a browser claims to be its type does not count."""
    return SimpleUploadedFile(name, content, content_type="text/html")


def attached(
    name: str = "statement.pdf",
    content: bytes = PDF,
    *,
    subject: str = "",
    by: User | None = None,
    at: datetime = NOW,
) -> Attachment:
    """Attach a file to a subject, or to the account of who adds it."""
    user = by or make_user()
    return add_attachment(
        subject=subject or f"user:{user.get_username()}",
        upload=upload(name, content),
        actor=Actor.of(user),
        now=at,
    )
