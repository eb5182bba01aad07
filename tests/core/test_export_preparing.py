"""Exports are prepared in calls that end at any moment: no row is lost or doubled, and the bytes are the same."""

import itertools
import tracemalloc
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from sunusav.core.exporting import files
from sunusav.core.exporting.errors import ExportLimitReached, ExportNotReady, ExportTooLarge
from sunusav.core.exporting.preparing import AT_ONCE, CHUNK, FIRST_DELAY, LEASE, MOST_TRIES, prepare_next
from sunusav.core.exporting.requests import (
    LIFETIME,
    MOST_AT_ONCE,
    cancel_export,
    delete_expired,
    export_behind,
    link_of,
)
from sunusav.core.models import Export, ExportFormat, TrailEntry
from sunusav.core.roles import Role
from sunusav.core.transitions import TransitionNotAllowed
from tests.core.export_world import (
    NOW,
    Ticking,
    file_of,
    prepare,
    read_trail,
    requested,
    source,
    write_trail,
)
from tests.factories.users import make_user

pytestmark = pytest.mark.django_db
AFTER_LEASE = NOW + LEASE + timedelta(seconds=1)


class Killed(BaseException):
    """Ends a call as a kill does: no handler of the code under test catches it."""


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.EXPORTS_DIR = tmp_path / "exports"
    return tmp_path / "exports"


def _stored() -> list[Any]:
    return list(Export.objects.order_by("pk").values())


def _actions(export: Export) -> list[str]:
    entries = TrailEntry.objects.filter(subject=f"export:{export.pk}").order_by("pk")
    return list(entries.values_list("action", flat=True))


def killed_at(call: int) -> Any:
    """Return a `load` whose call of this number is killed."""
    calls = 0

    def load(keys: Sequence[Any]) -> list[Any]:
        nonlocal calls
        calls += 1
        if calls == call:
            raise Killed
        return read_trail(keys)

    return load


def test_prepare_export_writes_every_row_of_the_request_once() -> None:
    write_trail(CHUNK * 2 + 3)
    export = requested()
    write_trail(7)  # later than the request

    assert prepare()

    lines = file_of(export).decode("utf-8-sig").splitlines()
    assert lines[0] == "Subject,Number,At (Dakar time)"
    assert lines[1:3] == ["switch:000000,0,2026-01-31 09:30:00", "switch:000001,0.25,2026-01-31 09:30:00"]
    assert [line.split(",")[0] for line in lines[1:]] == [f"switch:{n:06}" for n in range(CHUNK * 2 + 3)]
    assert (export.state, export.rows_done, export.file_bytes) == (
        "ready",
        CHUNK * 2 + 3,
        len(file_of(export)),
    )
    assert (export.leased_until, export.expires_at - export.ready_at) == (None, LIFETIME)  # type: ignore[operator]
    assert _actions(export) == ["request_export", "finish_export"]
    assert not prepare()  # nothing is left to do


def test_export_of_an_empty_table_has_its_header() -> None:
    export = requested(subject="switch:none")

    prepare()

    assert file_of(export).decode("utf-8-sig").splitlines() == ["Subject,Number,At (Dakar time)"]


@pytest.mark.parametrize("file_format", ExportFormat.values)
@pytest.mark.parametrize("call", [1, 2, 3])
def test_prepare_after_a_kill_gives_the_same_bytes(file_format: str, call: int) -> None:
    write_trail(CHUNK * 2 + 3)
    person = make_user(Role.AUDITOR)
    whole, killed = requested(file_format, by=person), requested(file_format, by=person)
    prepare()

    with pytest.raises(Killed):
        prepare(load=killed_at(call))
    assert not prepare(), "its lease still runs"
    while prepare(clock=Ticking(AFTER_LEASE)):
        pass

    assert file_of(killed) == file_of(whole)
    assert killed.rows_done == CHUNK * 2 + 3


def test_bytes_that_were_written_and_not_recorded_do_not_count() -> None:
    write_trail(CHUNK + 3)
    whole, killed = requested(), requested()
    prepare()
    with pytest.raises(Killed):
        prepare(load=killed_at(2))
    killed.refresh_from_db()
    with (files._segment(killed, killed.claim)).open("ab") as segment:
        segment.write(b"half a row")

    prepare(clock=Ticking(AFTER_LEASE))

    assert file_of(killed) == file_of(whole)


@pytest.mark.parametrize("file_format", ExportFormat.values)
def test_calls_that_run_out_of_time_give_the_same_bytes(file_format: str) -> None:
    write_trail(CHUNK * 3)
    person = make_user(Role.AUDITOR)
    whole, slow = requested(file_format, by=person), requested(file_format, by=person)
    prepare()

    calls = 0
    while prepare(clock=Ticking(NOW + timedelta(minutes=calls), step=timedelta(seconds=9))):
        calls += 1

    assert calls > 1
    assert file_of(slow) == file_of(whole)


def test_a_call_works_no_longer_than_a_minute() -> None:
    write_trail(CHUNK * 3)
    export, clock = requested(), Ticking(step=timedelta(seconds=10))

    prepare(clock=clock)

    export.refresh_from_db()
    assert clock.at - NOW <= timedelta(seconds=80)
    assert (export.state, export.leased_until) == ("preparing", None)
    assert 0 < export.rows_done < CHUNK * 3 or export.cursor


def test_frozen_worker_that_goes_on_after_another_took_over_changes_nothing() -> None:
    write_trail(CHUNK + 3)
    whole, export = requested(), requested()
    prepare()

    def frozen(keys: Sequence[Any]) -> list[Any]:
        """Return the rows once another worker has prepared the whole export."""
        prepare(clock=Ticking(AFTER_LEASE))
        return read_trail(keys)

    prepare(load=frozen)

    assert file_of(export) == file_of(whole)
    assert (export.claim, export.rows_done) == (2, CHUNK + 3)
    assert _actions(export) == ["request_export", "finish_export"]


def test_cancel_while_a_worker_writes_leaves_no_file(
    folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    write_trail(3)
    person = make_user(Role.AUDITOR)
    export = requested(by=person)

    def cancelled(keys: Sequence[Any]) -> list[Any]:
        with django_capture_on_commit_callbacks(execute=True):
            cancel_export(export_id=export.pk, requester=person, now=NOW)
        return read_trail(keys)

    prepare(load=cancelled)

    export.refresh_from_db()
    assert (export.state, export.rows_done, export.leased_until) == ("cancelled", 0, None)
    assert not (folder / export.folder).exists()
    with pytest.raises(TransitionNotAllowed):
        cancel_export(export_id=export.pk, requester=person, now=NOW)


def test_cancel_of_another_person_is_refused() -> None:
    export = requested()
    before = _stored()

    with pytest.raises(ExportNotReady):
        cancel_export(export_id=export.pk, requester=make_user(Role.FINANCE), now=NOW)

    assert _stored() == before


def test_export_that_ends_its_workers_fails_after_some_tries_and_others_go_on() -> None:
    write_trail(3)
    bad, good = requested(), requested(at=NOW + timedelta(seconds=1))
    moment = NOW
    for _ in range(MOST_TRIES):
        with pytest.raises(Killed):
            prepare_next(lambda _: source(load=killed_at(1)), clock=Ticking(moment))
        Export.objects.filter(pk=good.pk).update(worked_at=moment + LEASE * 2)
        moment += LEASE + timedelta(seconds=1)

    assert prepare(clock=Ticking(moment))

    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, bad.failure_code, bad.failure_facts) == (
        "failed",
        "export-stopped",
        {"tries": MOST_TRIES},
    )
    assert good.state == "ready"


def failing(keys: Sequence[Any]) -> list[Any]:
    raise ValueError("a row that cannot be written")


def test_export_that_raises_is_deferred_and_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    write_trail(3)
    bad, good = requested(), requested(at=NOW + timedelta(seconds=1))

    assert prepare(load=failing)
    assert "ValueError" in caplog.text
    bad.refresh_from_db()
    assert (bad.state, bad.leased_until, bad.tries) == ("preparing", None, 1)
    assert prepare()  # the other one, although the first has waited longer
    good.refresh_from_db()
    assert good.state == "ready"
    assert not prepare(load=failing)
    assert prepare(clock=Ticking(NOW + FIRST_DELAY + timedelta(seconds=1)))
    bad.refresh_from_db()
    assert (bad.state, bad.tries) == ("ready", 0)


def test_export_that_always_raises_is_tried_later_and_later_and_then_fails() -> None:
    write_trail(3)
    bad, moment, tried = requested(), NOW, []
    while Export.objects.filter(state="preparing").exists():
        if prepare(load=failing, clock=Ticking(moment)):
            tried.append(moment - NOW)
        moment += timedelta(seconds=10)
        assert moment < NOW + timedelta(hours=1)

    bad.refresh_from_db()
    waits = [later - earlier for earlier, later in itertools.pairwise(tried)]
    assert [wait // timedelta(seconds=10) for wait in waits] == [4, 7, 13, 25]
    assert (bad.state, bad.failure_code, bad.failure_facts) == (
        "failed",
        "export-stopped",
        {"tries": MOST_TRIES},
    )


def test_file_that_cannot_be_finished_is_deferred(folder: Path) -> None:
    write_trail(3)
    export = requested()
    (folder / export.folder / "1.draft").mkdir(parents=True)  # where the first claim makes its file

    assert prepare()

    export.refresh_from_db()
    assert (export.state, export.leased_until, export.tries, export.rows_done) == ("preparing", None, 1, 3)

    assert prepare(clock=Ticking(NOW + FIRST_DELAY * 2))
    assert file_of(export).count(b"switch:") == 3


def test_refusal_of_the_source_ends_the_export(folder: Path, django_capture_on_commit_callbacks: Any) -> None:
    export = requested()

    def refuse(_: Export) -> Any:
        raise ExportTooLarge(file_format="csv", most_rows=1)

    with django_capture_on_commit_callbacks(execute=True):
        prepare_next(refuse, clock=Ticking())

    export.refresh_from_db()
    assert (export.state, export.failure_code) == ("failed", "export-too-large")
    assert export.failure_facts == {"file_format": "csv", "most_rows": 1}
    assert _actions(export) == ["request_export", "fail_export"]


def test_at_most_some_workers_prepare_exports_at_once() -> None:
    began: list[bool] = []

    def others(keys: Sequence[Any]) -> list[Any]:
        began.append(prepare(load=others))
        return read_trail(keys)

    write_trail(1)
    for _ in range(AT_ONCE + 1):
        requested()
    prepare(load=others)

    assert began.count(False) == 1
    assert len(began) == AT_ONCE


def test_the_export_that_waited_longest_goes_first() -> None:
    write_trail(1)
    second, first = requested(at=NOW), requested(at=NOW - timedelta(minutes=1))

    prepare()

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("ready", "preparing")


# Requests


def test_request_of_more_rows_than_the_format_holds_is_refused() -> None:
    write_trail(5_001)

    with pytest.raises(ExportTooLarge) as refusal:
        requested("pdf")

    assert refusal.value.facts == {"file_format": "pdf", "most_rows": 5_000}
    assert not Export.objects.exists()
    assert requested("pdf", subject__lt="switch:005000").state == "preparing"
    assert requested("csv").state == "preparing"


def test_request_beyond_the_limit_of_a_person_is_refused() -> None:
    person = make_user(Role.AUDITOR)
    for _ in range(MOST_AT_ONCE):
        requested(by=person)

    with pytest.raises(ExportLimitReached):
        requested(by=person)

    assert Export.objects.count() == MOST_AT_ONCE
    assert requested().state == "preparing"  # another person's


# Links and expiry


def test_link_is_for_its_requester_until_it_expires() -> None:
    person, other = make_user(Role.AUDITOR), make_user(Role.AUDITOR)
    export = requested(by=person)
    with pytest.raises(ExportNotReady):
        export_behind(link_of(export), requester=person, now=NOW)
    prepare()
    export.refresh_from_db()
    link = link_of(export)

    assert export_behind(link, requester=person, now=export.expires_at - timedelta(seconds=1)) == export
    for refused in (
        {"link": link, "requester": other, "now": NOW},
        {"link": f"{link}x", "requester": person, "now": NOW},
        {"link": link, "requester": person, "now": export.expires_at},
    ):
        with pytest.raises(ExportNotReady):
            export_behind(**refused)  # type: ignore[arg-type]


def test_expired_export_is_deleted_with_its_files(folder: Path) -> None:
    write_trail(1)
    old, young = requested(at=NOW - LIFETIME - timedelta(hours=1)), requested(at=NOW)
    prepare(clock=Ticking(NOW - LIFETIME - timedelta(minutes=1)))
    prepare(clock=Ticking(NOW - timedelta(minutes=1)))
    (folder / "left-behind").mkdir()

    assert delete_expired(now=NOW) == 1

    assert list(Export.objects.values_list("pk", flat=True)) == [young.pk]
    assert [path.name for path in folder.iterdir()] == [young.folder]
    assert _actions(old) == ["request_export", "finish_export", "delete_expired_export"]


def test_files_are_readable_by_nobody_else(folder: Path) -> None:
    write_trail(1)
    export = requested()
    prepare()
    export.refresh_from_db()

    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / export.folder).stat().st_mode & 0o777 == 0o700
    assert files.finished_path(export).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (folder / export.folder).iterdir()] == [f"{export.claim}.csv"]


def test_memory_does_not_grow_with_the_rows() -> None:
    write_trail(CHUNK * 20)
    requested()
    tracemalloc.start()
    try:
        prepare()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 5_000_000
