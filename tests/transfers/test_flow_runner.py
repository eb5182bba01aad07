"""Several flows in one runner: no database, no rail, only the order of calls and answers."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Event

import pytest

from tests.transfers.builders import NOW
from transfers.engine.flow_runner import Flow, FlowRunner, Inline, call_batched, call_provider

Log = list[str]


class Wrong(Exception):
    """The error that a call of a test raises."""


class Table:
    """Writes names together, unless one of them is refused; keeps what each batch wrote."""

    def __init__(self, *refused: str) -> None:
        self.refused = refused
        self.batches: list[list[str]] = []

    def write(self, names: Sequence[str], /, *, now: datetime) -> list[str]:
        assert now == NOW
        if any(name in self.refused for name in names):
            raise Wrong
        self.batches.append(list(names))
        return [name.upper() for name in names]


class Ends(dict[str, Exception | None]):
    """How each flow ended."""


def run_until_done(runner: FlowRunner) -> None:
    while runner:
        runner.advance(wait_seconds=5)


def flow_runner_of(ends: Ends, *, slots: int = 0) -> FlowRunner:
    executor = ThreadPoolExecutor(slots) if slots else Inline()
    return FlowRunner(executor, clock=lambda: NOW, on_end=ends.__setitem__)


def writing(name: str, table: Table, log: Log) -> Flow[None]:
    log.append((yield from call_batched(table.write, name)))


def calling(name: str, answer: object, log: Log) -> Flow[None]:
    def call() -> str:
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    try:
        log.append((yield from call_provider(call)))
    except Wrong:
        log.append(f"{name} failed")
        raise


def test_advance_writes_for_all_waiting_flows_at_once() -> None:
    ends, table, log = Ends(), Table(), Log()
    runner = flow_runner_of(ends)
    for name in "abc":
        runner.start(name, writing(name, table, log))

    run_until_done(runner)

    assert (table.batches, log) == ([["a", "b", "c"]], ["A", "B", "C"])
    assert ends == {"a": None, "b": None, "c": None}


def test_advance_with_one_refused_write_writes_each_alone() -> None:
    ends, table, log = Ends(), Table("b"), Log()
    runner = flow_runner_of(ends)
    for name in "abc":
        runner.start(name, writing(name, table, log))

    run_until_done(runner)

    assert (table.batches, log) == ([["a"], ["c"]], ["A", "C"])
    assert (ends.pop("a"), ends.pop("c")) == (None, None)
    assert isinstance(ends["b"], Wrong)


def test_advance_with_two_operations_keeps_their_batches_apart() -> None:
    ends, log = Ends(), Log()
    tables = [Table(), Table()]
    runner = flow_runner_of(ends)
    for number, name in enumerate("abcd"):
        runner.start(name, writing(name, tables[number % 2], log))

    run_until_done(runner)

    assert [table.batches for table in tables] == [[["a", "c"]], [["b", "d"]]]


def test_advance_with_a_failed_call_raises_in_its_flow_only() -> None:
    ends, log = Ends(), Log()
    runner = flow_runner_of(ends)
    runner.start("a", calling("a", Wrong(), log))
    runner.start("b", calling("b", "fine", log))

    run_until_done(runner)

    assert sorted(log) == ["a failed", "fine"]
    assert isinstance(ends["a"], Wrong)
    assert ends["b"] is None


def test_advance_while_one_call_is_slow_finishes_the_others() -> None:
    ends, log, released = Ends(), Log(), Event()
    runner = flow_runner_of(ends, slots=2)

    def slow() -> Flow[None]:
        assert (yield from call_provider(released.wait, timeout=30))
        log.append("slow")

    runner.start("slow", slow())
    runner.start("quick", calling("quick", "quick", log))
    while "quick" not in ends:
        runner.advance(wait_seconds=5)
    assert (log, len(runner)) == (["quick"], 1)

    released.set()
    run_until_done(runner)
    assert log == ["quick", "slow"]


def test_start_of_a_flow_without_steps_ends_it() -> None:
    def empty() -> Flow[None]:
        return
        yield

    def broken() -> Flow[None]:
        raise Wrong
        yield

    ends = Ends()
    runner = flow_runner_of(ends)
    runner.start("empty", empty())
    runner.start("broken", broken())

    assert len(runner) == 0
    assert ends["empty"] is None
    with pytest.raises(Wrong):
        raise ends["broken"] or AssertionError
