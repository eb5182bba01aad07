"""What arrives of an upload beyond the limit is dropped, so that no request fills memory or disk."""

from typing import Any

import pytest
from django.conf import settings as configured
from django.test import RequestFactory
from pytest_django import Settings

from tests.factories.attachments import PDF, upload
from transfers.statements.reading import MAX_BYTES

MOST = 1_000


@pytest.mark.parametrize("size", [MOST, MOST + 1, 300_000])
@pytest.mark.parametrize("memory_bytes", [0, 10_000_000])
def test_more_of_an_upload_than_is_needed_to_refuse_it_is_dropped(
    settings: Settings, size: int, memory_bytes: int
) -> None:
    """In memory and in a temporary file alike; the parser passes blocks of 64 kB on."""
    settings.UPLOAD_MOST_BYTES = MOST
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = memory_bytes
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000_000
    request = RequestFactory().post("/", {"file": upload(content=PDF.ljust(size)), "reason": "seen"})

    kept: Any = request.FILES["file"]

    assert kept.size == len(kept.read()) <= size
    assert min(size, MOST + 1) <= kept.size <= MOST + 65_536
    assert request.POST["reason"] == "seen"
    request.close()


def test_as_much_arrives_as_any_form_accepts() -> None:
    assert max(configured.ATTACHMENT_MOST_BYTES, MAX_BYTES) <= configured.UPLOAD_MOST_BYTES
