"""What people upload: its name made harmless, and its type, which its first bytes and its name must agree on."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from sunusav.core.errors import Invalid
from sunusav.core.models import MediaType
from sunusav.core.models.attachment import NAME_LENGTH

FIRST_BYTES = {
    MediaType.PDF: b"%PDF-",
    MediaType.PNG: b"\x89PNG\r\n\x1a\n",
    MediaType.JPEG: b"\xff\xd8\xff",
}
ENDINGS = {
    ".pdf": MediaType.PDF,
    ".png": MediaType.PNG,
    ".jpg": MediaType.JPEG,
    ".jpeg": MediaType.JPEG,
}
_MOST_FIRST_BYTES = max(map(len, FIRST_BYTES.values()))


class AttachmentEmpty(Invalid):
    """The file has no content."""

    name: str


class AttachmentTooLarge(Invalid):
    """The file has more bytes than an attachment may have."""

    name: str
    most_bytes: int


class AttachmentTypeUnknown(Invalid):
    """The content begins as no type that may be attached."""

    name: str


class AttachmentTypeDiffers(Invalid):
    """The name does not end as the type of the content asks for."""

    name: str
    media_type: str


@dataclass(frozen=True)
class CheckedUpload:
    """The harmless name of an upload, and the type of its content."""

    name: str
    media_type: MediaType


def check_upload(upload: UploadedFile[Any]) -> CheckedUpload:
    """Check the size that was reported, the type of the content and the name.

    Raises: AttachmentEmpty, AttachmentTooLarge, AttachmentTypeUnknown, AttachmentTypeDiffers.
    """
    name = clean_name(upload.name or "")
    if not upload.size:
        raise AttachmentEmpty(name=name)
    if upload.size > settings.ATTACHMENT_MOST_BYTES:
        raise AttachmentTooLarge(name=name, most_bytes=settings.ATTACHMENT_MOST_BYTES)
    media_type = media_type_of(_first_bytes(upload))
    if media_type is None:
        raise AttachmentTypeUnknown(name=name)
    if ENDINGS.get(_ending(name).lower()) != media_type:
        raise AttachmentTypeDiffers(name=name, media_type=media_type.value)
    return CheckedUpload(name, media_type)


def clean_name(name: str) -> str:
    """Return the last part of a path on one line in NFC, without characters that are not shown; its ending is kept."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(char if char.isprintable() else " " if char.isspace() else "" for char in last)
    text = unicodedata.normalize("NFC", " ".join(shown.split())).strip(" .")
    ending = _ending(text) if _ending(text).lower() in ENDINGS else ""
    return text.removesuffix(ending)[: NAME_LENGTH - len(ending)].strip(" .") + ending


def media_type_of(content: bytes) -> MediaType | None:
    """Return the type that these first bytes are of; None for any that may not be attached."""
    return next((kind for kind, begins in FIRST_BYTES.items() if content.startswith(begins)), None)


def _first_bytes(upload: UploadedFile[Any]) -> bytes:
    upload.seek(0)
    return bytes(upload.read(_MOST_FIRST_BYTES))


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix
