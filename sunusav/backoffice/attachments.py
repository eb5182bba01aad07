"""Evidence as files in the back office: the field of a form that adds one, the section of a page, the download.

An app's action has an `AttachmentField` in its form and passes what it got to `add_attachment`; the page of the subject
has `attachment_sections` among its sections.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.action_pages import person_of
from sunusav.backoffice.facts import moment, short
from sunusav.backoffice.forbidden import PermissionMissing
from sunusav.backoffice.forms import FileInput
from sunusav.backoffice.refusals import show_refusal
from sunusav.backoffice.sections import Section, Table, page_of_subject
from sunusav.core import clock
from sunusav.core.actors import Actor
from sunusav.core.attachments import DOWNLOAD, VIEW, attachments_of, open_attachment, record_download
from sunusav.core.errors import DomainError
from sunusav.core.models import Attachment, User
from sunusav.core.uploads import ENDINGS, check_upload


def _validate(upload: UploadedFile[Any]) -> None:
    try:
        check_upload(upload)
    except DomainError as refusal:
        raise forms.ValidationError(show_refusal(refusal).text, code=refusal.code) from refusal


def _help() -> str:
    most = filesizeformat(settings.ATTACHMENT_MOST_BYTES)
    return gettext(
        "PDF, PNG or JPEG, at most %(most)s. It is kept for good: no name or phone of a member in it or in its name."
    ) % {"most": most}


class AttachmentField(forms.FileField):
    """A file to attach. It is checked with the form: a one-time code is not used up by a file that is refused.

    A browser sends a file once: after any refusal of the form it has to be chosen again.
    """

    default_validators = [_validate]

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Attachment"))
        kwargs.setdefault("help_text", lazy(_help, str)())
        kwargs.setdefault("widget", FileInput(attrs={"accept": ",".join(ENDINGS)}))
        super().__init__(allow_empty_file=True, **kwargs)  # an empty file has a refusal of its own


def attachment_sections(subject: str, *, user: User) -> list[Section]:
    """Return the section of a subject's attachments; nothing for people who may not see them."""
    if not user.has_perm(VIEW):
        return []
    may_download = user.has_perm(DOWNLOAD)
    rows = [_cells(row, may_download=may_download) for row in attachments_of(subject)]
    heads = (_("file"), _("size"), _("added by"), _("added at"), _("SHA-256"))
    empty = _("No file is attached.")
    return [Table(_("Attachments"), heads, rows, empty=empty, anchor="attachments", stacks=bool(rows))]


def _cells(row: Attachment, *, may_download: bool) -> tuple[Any, ...]:
    url = reverse("admin:attachment", args=[row.pk])
    return (
        format_html('<a href="{}">{}</a>', url, row.name) if may_download else row.name,
        filesizeformat(row.size_bytes),
        row.added_by.get_username(),
        moment(row.added_at),
        short(row.sha256),
    )


def download_attachment(request: HttpRequest, attachment_id: int) -> HttpResponseBase:
    """Return the file of an attachment as a download: no browser shows it as a page of this site.

    Raises: PermissionMissing; Http404 where there is no such attachment.
    """
    user = person_of(request)
    if not user.has_perm(DOWNLOAD):
        raise PermissionMissing([DOWNLOAD])
    row = Attachment.objects.filter(pk=attachment_id).first()
    if row is None:
        raise Http404
    try:
        content = open_attachment(row)
    except DomainError as refusal:
        messages.error(request, show_refusal(refusal).text)
        return redirect(page_of_subject(row.subject) or "admin:index")
    record_download(attachment=row, actor=Actor.of(user), now=clock.now())
    response = FileResponse(content, as_attachment=True, filename=row.name, content_type=row.media_type)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
