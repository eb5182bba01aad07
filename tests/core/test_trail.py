"""The trail is appended and sealed in a hash chain; every later change is found."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from io import StringIO
from threading import Event, Thread
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction

from sunusav.core.actors import Actor
from sunusav.core.auditing import AuditScope
from sunusav.core.invariants import INVARIANTS
from sunusav.core.models import Approval, TrailEntry, TrailSeal
from sunusav.core.sealing import GENESIS, SETTLED_AFTER, canonical, chain_hash, low_water_mark, settled_mark
from sunusav.core.trail import (
    TrailFact,
    record,
    record_all,
    seal_trail,
    unsealed,
    unsealed_before,
    verify_trail,
)
from tests.factories.bands import first_band
from tests.factories.users import make_user
from tests.support.triggers import without_triggers


def _append(count: int, at: datetime) -> None:
    record_all(
        [
            TrailFact(f"cycle:{n}", "move", Actor.system("test"), at, "a", "b", facts={"n": n})
            for n in range(count)
        ]
    )


def _links() -> list[tuple[int, int]]:
    return list(TrailSeal.objects.order_by("seq").values_list("seq", "entry_id"))


# Recording


@pytest.mark.django_db
def test_record_keeps_who_did_what_and_why(now: datetime) -> None:
    user = make_user(username="awa")
    record(
        subject="cycle:é", action="retry", actor=Actor.of(user), at=now, from_state="failed", to_state="due",
        reason="r" * 600, facts={"net_sats": 99_500},
    )  # fmt: skip
    entry = TrailEntry.objects.get()
    assert (entry.subject, entry.actor, entry.actor_label, entry.at) == ("cycle:é", user, "awa", now)
    assert (len(entry.reason), entry.facts) == (500, {"net_sats": 99_500})


@pytest.mark.django_db
def test_record_all_is_one_statement(now: datetime, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(1):
        _append(50, now)
    assert TrailEntry.objects.count() == 50


@pytest.mark.django_db
def test_account_that_acted_cannot_be_deleted(now: datetime) -> None:
    user = make_user()
    record(subject="s", action="a", actor=Actor.of(user), at=now)
    with pytest.raises(DatabaseError), transaction.atomic():
        user.delete()


# Sealing


@pytest.mark.django_db
def test_seal_chains_every_entry_once_in_order(now: datetime) -> None:
    _append(3, now)
    assert seal_trail(now=now) == 3
    _append(2, now)
    assert seal_trail(now=now) == 2
    assert seal_trail(now=now) == 0
    ids = list(TrailEntry.objects.order_by("id").values_list("id", flat=True))
    assert _links() == list(enumerate(ids, start=1))
    assert list(verify_trail()) == []


@pytest.mark.django_db
def test_seal_takes_at_most_its_limit(now: datetime) -> None:
    _append(5, now)
    assert [seal_trail(now=now, limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert list(verify_trail()) == []


@pytest.mark.django_db
def test_hash_of_the_first_link_can_be_worked_by_hand(now: datetime) -> None:
    record(subject="s", action="a", actor=Actor.system("t"), at=now)
    seal_trail(now=now)
    entry = TrailEntry.objects.get()
    body = (
        f'{{"action":"a","actor":null,"at":"2026-01-31T09:30:00+00:00","facts":{{}},"from":"","id":{entry.pk},'
        '"label":"system:t","reason":"","subject":"s","to":""}'
    )
    assert TrailSeal.objects.get().hash == sha256(b"\x00" + body.encode() + bytes(32)).hexdigest()


@pytest.mark.django_db(transaction=True)
def test_entry_with_a_lower_id_that_commits_late_is_sealed_too(now: datetime) -> None:
    _append(3, now)
    late = TrailEntry.objects.order_by("id")[1]
    fields = {f.attname: getattr(late, f.attname) for f in TrailEntry._meta.concrete_fields}
    with without_triggers(connection):
        late.delete()
    assert seal_trail(now=now) == 2
    TrailEntry.objects.create(**fields)
    # Also after a pause of the sealer longer than any transaction: its starting point moves only after a full pass.
    assert seal_trail(now=now + timedelta(hours=3)) == 1
    assert _links()[-1] == (3, fields["id"])
    assert list(verify_trail()) == []


@pytest.mark.django_db
def test_seal_starts_where_an_earlier_pass_ended(now: datetime) -> None:
    _append(3, now)
    seal_trail(now=now)
    assert settled_mark(TrailSeal, "entry_id", now=now + SETTLED_AFTER) == 0
    later = now + SETTLED_AFTER + timedelta(seconds=1)
    assert settled_mark(TrailSeal, "entry_id", now=later) == TrailEntry.objects.latest("id").pk
    _append(1, later)
    assert low_water_mark("trail") == 0
    assert unsealed().count() == 1
    assert seal_trail(now=later) == 1
    assert low_water_mark("trail") == TrailEntry.objects.latest("id").pk - 1


def test_canonical_form_does_not_depend_on_order_or_escapes() -> None:
    assert canonical({"b": 1, "a": "é"}) == canonical({"a": "é", "b": 1}) == '{"a":"é","b":1}'.encode()
    assert chain_hash(GENESIS, {"a": 1}) != chain_hash("1" * 64, {"a": 1}) != chain_hash(GENESIS, {"a": 2})


# Verifying


def _edit(table: str, column: str, value: str, key: str, row: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = %s WHERE {key} = %s", [value, row])


def _edit_entry() -> None:
    _edit("core_trailentry", "reason", "forged", "id", _links()[2][1])


def _edit_facts() -> None:
    _edit("core_trailentry", "facts", '{"n": 99}', "id", _links()[2][1])


def _edit_actor() -> None:
    _edit("core_trailentry", "actor_label", "somebody", "id", _links()[2][1])


def _edit_hash() -> None:
    _edit("core_trailseal", "hash", "0" * 64, "seq", 3)


def _delete_link() -> None:
    TrailSeal.objects.filter(seq=3).delete()


def _delete_entry_with_its_link() -> None:
    entry_id = _links()[2][1]
    TrailSeal.objects.filter(seq=3).delete()
    TrailEntry.objects.filter(id=entry_id).delete()


def _delete_the_first() -> None:
    TrailSeal.objects.filter(seq=1).delete()


def _swap_two_links() -> None:
    third, fourth = _links()[2][1], _links()[3][1]
    spare = TrailEntry.objects.latest("id").pk
    for seq, entry_id in ((6, None), (3, spare), (4, third), (3, fourth)):
        if entry_id is None:
            TrailSeal.objects.filter(seq=seq).delete()
        else:
            _edit("core_trailseal", "entry_id", str(entry_id), "seq", seq)


TAMPERINGS: list[Callable[[], None]] = [
    _edit_entry, _edit_facts, _edit_actor, _edit_hash, _delete_link, _delete_entry_with_its_link,
    _delete_the_first, _swap_two_links,
]  # fmt: skip


@pytest.fixture
def chain(now: datetime, transactional_db: None) -> Iterator[None]:
    """A chain of six links on tables without triggers, as a database administrator could make them."""
    _append(6, now)
    seal_trail(now=now)
    with without_triggers(connection):
        yield


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__.strip("_"))
def test_verify_finds_each_change(tamper: Callable[[], None], chain: None) -> None:
    assert list(verify_trail()) == []
    tamper()
    breaches = list(verify_trail())
    assert breaches
    assert {breach.invariant for breach in breaches} == {"I18"}


def test_verify_names_the_entry_that_was_edited(chain: None) -> None:
    _edit_entry()
    [breach] = verify_trail()
    assert (breach.subject, breach.detail) == ("trail:3", f"entry {_links()[2][1]} does not fit its hash")


def test_verify_since_a_moment_reads_the_end_of_the_chain_only(now: datetime, chain: None) -> None:
    later = now + timedelta(days=2)
    _append(2, later)
    seal_trail(now=later)
    _edit_entry()
    assert [breach.subject for breach in verify_trail()] == ["trail:3"]
    assert list(verify_trail(since=later)) == []
    assert [breach.subject for breach in verify_trail(since=now)] == ["trail:3"]
    _edit("core_trailentry", "reason", "forged", "id", _links()[6][1])
    assert [breach.subject for breach in verify_trail(since=later)] == ["trail:7"]


def test_verify_since_a_moment_finds_a_link_missing_after_it(now: datetime, chain: None) -> None:
    later = now + timedelta(days=2)
    _append(2, later)
    seal_trail(now=later)
    TrailSeal.objects.filter(seq=7).delete()
    details = [breach.detail for breach in verify_trail(since=later)]
    assert details[0] == "link missing: 7 is followed by 8"


def test_fast_audit_of_the_trail_reads_what_is_recent(now: datetime, chain: None) -> None:
    [rule] = [rule for rule in INVARIANTS if rule.title == "the trail's hash chain holds"]
    _edit_entry()
    later = now + timedelta(days=2)
    assert len(list(rule.find(AuditScope(now=later)))) == 1
    assert list(rule.find(AuditScope(now=later, since=later))) == []


def test_removed_tail_is_found_by_the_hash_that_was_kept(chain: None) -> None:
    kept = _run("verify_trail").split("elsewhere: ")[1].strip()
    assert _run("verify_trail", "--kept", kept).startswith("6 links hold")
    TrailSeal.objects.filter(seq=6).delete()
    assert list(verify_trail()) == []
    with pytest.raises(CommandError, match="was removed or replaced"):
        _run("verify_trail", "--kept", kept)


def test_kept_hash_still_holds_after_the_chain_has_grown(now: datetime, chain: None) -> None:
    kept = _run("verify_trail").split("elsewhere: ")[1].strip()
    _append(2, now)
    seal_trail(now=now)
    assert _run("verify_trail", "--kept", kept).startswith("8 links hold")


def test_verify_trail_command_fails_on_a_breach(chain: None) -> None:
    _edit_hash()
    with pytest.raises(CommandError, match="links do not hold"):
        _run("verify_trail")


def _run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


# Append-only tables


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["core_trailentry", "core_trailseal", "core_approval"])
@pytest.mark.parametrize("statement", ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}"])
def test_change_append_only_table_by_sql_is_refused(table: str, statement: str, now: datetime) -> None:
    _fill(now)
    column = "hash" if table == "core_trailseal" else "reason"
    sql = statement.format(table=table, column=column)
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


@pytest.mark.django_db
def test_change_append_only_table_by_orm_is_refused(now: datetime) -> None:
    _fill(now)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        TrailEntry.objects.update(reason="forged")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        TrailSeal.objects.all().delete()


def _fill(now: datetime) -> None:
    _append(1, now)
    seal_trail(now=now)
    proposal = make_user().proposals.create(
        kind="k", subject_id="s", facts={}, digest="d", proposed_at=now, band=first_band()
    )
    Approval.objects.create(
        proposal=proposal, proposer=proposal.proposer, approver=make_user(), digest="d", is_approved=True,
        decided_at=now,
    )  # fmt: skip


# Waiting


@pytest.mark.django_db
def test_entry_that_waits_for_its_seal_is_a_breach_after_five_minutes(now: datetime) -> None:
    [rule] = [rule for rule in INVARIANTS if rule.title == "no trail entry waits for its seal"]
    _append(1, now)
    assert list(rule.find(AuditScope(now=now + timedelta(minutes=5)))) == []
    [breach] = rule.find(AuditScope(now=now + timedelta(minutes=5, seconds=1)))
    assert breach.invariant == "I20"
    assert [breach] == list(rule.find(AuditScope(now=now + timedelta(minutes=6), since=now)))
    assert unsealed_before(now).count() == 0


# Concurrency


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_sealers_at_once_make_one_chain_while_writers_append(now: datetime) -> None:
    stop = Event()
    with _running(lambda: _append(5, now), stop, workers=3), ThreadPoolExecutor(4) as pool:
        sealed = sum(pool.map(lambda _: _closing(lambda: seal_trail(now=now)), range(40)))
    stop.set()
    sealed += seal_trail(now=now)
    assert sealed == TrailEntry.objects.count() == TrailSeal.objects.count() > 40
    assert [seq for seq, _ in _links()] == list(range(1, sealed + 1))
    assert list(verify_trail()) == []


@contextmanager
def _running(work: Callable[[], None], stop: Event, *, workers: int) -> Iterator[None]:
    def loop() -> None:
        while not stop.wait(0.005):
            work()
        connections.close_all()

    threads = [Thread(target=loop) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _closing(work: Callable[[], int]) -> int:
    try:
        return work()
    finally:
        connections.close_all()
