"""What is kept of an upload while it arrives."""

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler


class LimitedUpload(FileUploadHandler):
    """Drop what arrives beyond the most that a file may have, so that no request fills memory or disk.

    It precedes the handlers that keep the content. They get more than is allowed, by which the file is refused.
    """

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        return raw_data if start <= settings.UPLOAD_MOST_BYTES else None

    def file_complete(self, file_size: int) -> Any:
        """Leave it to the handlers after this one to return the file."""
        return None
