"""The invariant of attachments: each file is where its row says, as it was added."""

from collections.abc import Iterator
from itertools import chain

from sunusav.core import attachment_files as files
from sunusav.core.auditing import AuditScope, Breach, Invariant, pages, rows_since
from sunusav.core.models import Attachment


def _files_as_added(scope: AuditScope) -> Iterator[Breach]:
    """Yield the attachments whose file is missing or has another size; a full audit compares the content as well."""
    rows = rows_since(Attachment.objects.all(), "added_at", scope.since)
    for row in chain.from_iterable(pages(rows)):
        problem = _problem_of_size(row) or (_problem_of_content(row) if scope.since is None else "")
        if problem:
            yield Breach("I31", f"attachment:{row.pk}", problem)


def _problem_of_size(row: Attachment) -> str:
    size = files.size_of(row.stored_name)
    if size is None:
        return "its file is missing"
    return "" if size == row.size_bytes else f"its file has {size} bytes, not {row.size_bytes}"


def _problem_of_content(row: Attachment) -> str:
    return "" if files.hash_of(row.stored_name) == row.sha256 else "its file does not fit its hash"


ATTACHMENT_INVARIANTS = [Invariant("I31", "every attached file is there, as it was added", _files_as_added)]
