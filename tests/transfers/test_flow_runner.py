"""Lives brought forward together: no database, no rail, only who waits for whom."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Event

import pytest

from tests.transfers.builders import NOW
from transfers.engine.flow_runner import Flow, FlowRunner, Inline, batched, outside

Story = list[str]


class Wrong(Exception):
    """What a test expects to be told."""


class Book:
    """Writes names together, unless one of them is bad; keeps what was written in one go."""

    def __init__(self, *bad: str) -> None:
        self.bad = bad
        self.pages: list[list[str]] = []

    def write(self, names: Sequence[str], /, *, now: datetime) -> list[str]:
        assert now == NOW
        if any(name in self.bad for name in names):
            raise Wrong
        self.pages.append(list(names))
        return [name.upper() for name in names]


class Ends(dict[str, Exception | None]):
    """How each life ended."""


def drive(runner: FlowRunner) -> None:
    while runner:
        runner.go_on(wait_seconds=5)


def flow_runner_of(ends: Ends, *, slots: int = 0) -> FlowRunner:
    executor = ThreadPoolExecutor(slots) if slots else Inline()
    return FlowRunner(executor, clock=lambda: NOW, on_end=ends.__setitem__)


def writer(name: str, book: Book, told: Story) -> Flow[None]:
    told.append((yield from batched(book.write, name)))


def asker(name: str, answer: object, told: Story) -> Flow[None]:
    def ask() -> str:
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    try:
        told.append((yield from outside(ask)))
    except Wrong:
        told.append(f"{name} was told")
        raise


def test_go_on_writes_for_all_who_wait_at_once() -> None:
    ends, book, told = Ends(), Book(), Story()
    runner = flow_runner_of(ends)
    for name in "abc":
        runner.begin(name, writer(name, book, told))

    drive(runner)

    assert (book.pages, told) == ([["a", "b", "c"]], ["A", "B", "C"])
    assert ends == {"a": None, "b": None, "c": None}


def test_go_on_with_one_that_cannot_be_written_writes_each_alone() -> None:
    ends, book, told = Ends(), Book("b"), Story()
    runner = flow_runner_of(ends)
    for name in "abc":
        runner.begin(name, writer(name, book, told))

    drive(runner)

    assert (book.pages, told) == ([["a"], ["c"]], ["A", "C"])
    assert (ends.pop("a"), ends.pop("c")) == (None, None)
    assert isinstance(ends["b"], Wrong)


def test_go_on_keeps_kinds_of_writes_apart() -> None:
    ends, told = Ends(), Story()
    books = [Book(), Book()]
    runner = flow_runner_of(ends)
    for number, name in enumerate("abcd"):
        runner.begin(name, writer(name, books[number % 2], told))

    drive(runner)

    assert [book.pages for book in books] == [[["a", "c"]], [["b", "d"]]]


def test_go_on_tells_a_life_what_the_outside_raised() -> None:
    ends, told = Ends(), Story()
    runner = flow_runner_of(ends)
    runner.begin("a", asker("a", Wrong(), told))
    runner.begin("b", asker("b", "fine", told))

    drive(runner)

    assert sorted(told) == ["a was told", "fine"]
    assert isinstance(ends["a"], Wrong)
    assert ends["b"] is None


def test_go_on_hears_the_quick_while_one_is_slow() -> None:
    ends, told, released = Ends(), Story(), Event()
    runner = flow_runner_of(ends, slots=2)

    def slow() -> Flow[None]:
        assert (yield from outside(released.wait, timeout=30))
        told.append("slow")

    runner.begin("slow", slow())
    runner.begin("quick", asker("quick", "quick", told))
    while "quick" not in ends:
        runner.go_on(wait_seconds=5)
    assert (told, len(runner)) == (["quick"], 1)

    released.set()
    drive(runner)
    assert told == ["quick", "slow"]


def test_begin_of_a_life_that_ends_or_breaks_at_once_ends_it() -> None:
    def over() -> Flow[None]:
        return
        yield

    def broken() -> Flow[None]:
        raise Wrong
        yield

    ends = Ends()
    runner = flow_runner_of(ends)
    runner.begin("over", over())
    runner.begin("broken", broken())

    assert len(runner) == 0
    assert ends["over"] is None
    with pytest.raises(Wrong):
        raise ends["broken"] or AssertionError
