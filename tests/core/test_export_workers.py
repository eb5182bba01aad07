"""Workers that prepare exports at the same time, each with a connection of its own: no row is lost or doubled."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest
from django.db import connection
from pytest_django import Settings

from sunusav.core.exporting.preparing import CHUNK
from sunusav.core.models import Export
from sunusav.core.roles import Role
from tests.core.export_world import NOW, Ticking, file_of, prepare, requested, write_trail
from tests.factories.users import make_user

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]
WORKERS, EXPORTS = 4, 3


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.EXPORTS_DIR = tmp_path / "exports"
    return tmp_path / "exports"


def _work_until_nothing_is_left(together: Barrier, begin: datetime) -> int:
    """Prepare exports as workers do whose calls are short; return how many calls found one."""
    calls = 0
    try:
        together.wait(timeout=60)
        for number in range(200):
            # A call of few readings ends after some rows, so that another worker goes on with the same export.
            moment = begin + timedelta(seconds=number)
            calls += prepare(clock=Ticking(moment, step=timedelta(seconds=9)))
            if not Export.objects.filter(state="preparing").exists():
                return calls
        raise AssertionError("the exports were not finished")
    finally:
        connection.close()


def test_many_workers_at_once_write_every_row_once() -> None:
    write_trail(CHUNK * 4 + 7)
    person = make_user(Role.AUDITOR)
    exports = [requested(by=person) for _ in range(EXPORTS)]
    together = Barrier(WORKERS)

    with ThreadPoolExecutor(WORKERS) as pool:
        begun = [pool.submit(_work_until_nothing_is_left, together, NOW) for _ in range(WORKERS)]
        calls = [worker.result(timeout=300) for worker in begun]

    contents = [file_of(export).decode("utf-8-sig").splitlines() for export in exports]
    expected = [f"switch:{number:06}" for number in range(CHUNK * 4 + 7)]
    for content in contents:
        assert [line.split(",")[0] for line in content[1:]] == expected
    assert contents[0] == contents[1] == contents[2]
    assert sum(calls) > EXPORTS
    assert [export.state for export in exports] == ["ready"] * EXPORTS
