"""Many lives at once: calls to the outside go on side by side, writes of the same kind are made together.

A life is a generator: one payment's story in the order in which it happens (`steps`). Where it must wait for the
outside, or where its write can share a transaction with others', it yields; whoever drives it sends the answer in, or
throws what was raised. All lives go on in one thread, the only one that speaks to the database.
"""

from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, Protocol, TypeVar

from sunusav.core.clock import Clock

Params = ParamSpec("Params")
Answer = TypeVar("Answer")
Made_co = TypeVar("Made_co", covariant=True)
Item = TypeVar("Item")
Given_contra = TypeVar("Given_contra", contravariant=True)


class Act(Protocol[Given_contra, Made_co]):
    """One write, or one look, for many: in one transaction, all or none; the answers in the order of the items."""

    def __call__(self, items: Sequence[Given_contra], /, *, now: datetime) -> Sequence[Made_co]: ...


@dataclass(frozen=True)
class ProviderCall:
    """A call that may take long and touches no database."""

    call: Callable[[], Any]


@dataclass(frozen=True)
class BatchedWrite:
    """A write that is made for all lives that wait for it."""

    act: Act[Any, Any]
    item: Any


Step = ProviderCall | BatchedWrite
Flow = Generator[Step, Any, Answer]


def outside(call: Callable[Params, Answer], *args: Params.args, **kwargs: Params.kwargs) -> Flow[Answer]:
    """Call the outside from a life; other lives go on meanwhile."""
    answer: Answer = yield ProviderCall(partial(call, *args, **kwargs))
    return answer


def batched(act: Act[Item, Answer], item: Item) -> Flow[Answer]:
    """Have a write of a life made together with others'; alone, if theirs cannot be made."""
    answer: Answer = yield BatchedWrite(act, item)
    return answer


class Inline(Executor):
    """Makes each call at once, in the thread that asks for it."""

    def submit(
        self, call: Callable[Params, Answer], /, *args: Params.args, **kwargs: Params.kwargs
    ) -> Future[Answer]:
        made: Future[Answer] = Future()
        try:
            made.set_result(call(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - the life that asked is told
            made.set_exception(error)
        return made


class FlowRunner:
    """The lives that one thread brings forward. `on_end` hears of each that is over, and what broke it."""

    def __init__(
        self, executor: Executor, *, clock: Clock, on_end: Callable[[Any, Exception | None], None]
    ) -> None:
        self._executor, self._clock, self._on_end = executor, clock, on_end
        self._lives: dict[Hashable, Flow[None]] = {}
        self._answers: SimpleQueue[tuple[Hashable, Future[Any]]] = SimpleQueue()
        self._waiting: dict[Act[Any, Any], dict[Hashable, Any]] = {}

    def __len__(self) -> int:
        return len(self._lives)

    def begin(self, name: Hashable, life: Flow[None]) -> None:
        """Bring a new life to its first step."""
        self._lives[name] = life
        self._go(name, partial(next, life))

    def go_on(self, *, wait_seconds: float) -> None:
        """Bring forward every life that can go on; if none can, wait a while for an answer.

        What came back from outside is heard first, all of it: so the writes that follow are for as many as can be.
        """
        self._hear(0 if self._waiting else wait_seconds)
        waiting, self._waiting = self._waiting, {}
        for act, items in waiting.items():
            self._write(act, items)

    def _hear(self, wait_seconds: float) -> None:
        try:
            name, answer = self._answers.get(block=wait_seconds > 0, timeout=wait_seconds)
            while True:
                self._go(name, partial(_told, self._lives[name], answer))
                name, answer = self._answers.get_nowait()
        except Empty:
            return

    def _write(self, act: Act[Any, Any], items: Mapping[Hashable, Any]) -> None:
        """Make a write for all; where that fails, for each alone: one bad row stops no other."""
        try:
            answers = act(list(items.values()), now=self._clock())
        except Exception as error:  # noqa: BLE001 - the life that asked is told
            self._write_apart(act, items, error)
            return
        for name, answer in zip(items, answers, strict=True):
            self._go(name, partial(self._lives[name].send, answer))

    def _write_apart(self, act: Act[Any, Any], items: Mapping[Hashable, Any], error: Exception) -> None:
        if len(items) > 1:
            for name, item in items.items():
                self._write(act, {name: item})
            return
        for name in items:
            self._go(name, partial(self._lives[name].throw, error))

    def _go(self, name: Hashable, go: Callable[[], Step]) -> None:
        try:
            step = go()
        except StopIteration:
            self._end(name, None)
        except Exception as error:  # noqa: BLE001 - one life that breaks must not stop the others
            self._end(name, error)
        else:
            self._take(name, step)

    def _end(self, name: Hashable, error: Exception | None) -> None:
        del self._lives[name]
        self._on_end(name, error)

    def _take(self, name: Hashable, step: Step) -> None:
        if isinstance(step, BatchedWrite):
            self._waiting.setdefault(step.act, {})[name] = step.item
            return
        answer = self._executor.submit(step.call)
        answer.add_done_callback(lambda done: self._answers.put((name, done)))


def _told(life: Flow[None], answer: Future[Any]) -> Step:
    error = answer.exception()
    return life.send(answer.result()) if error is None else life.throw(error)
