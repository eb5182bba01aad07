"""Runs many payment flows at once: provider calls run side by side, database calls of the same kind are batched.

A flow is a generator: the steps of one payment in the order in which they happen (`flows`). It yields where it waits
for a provider, or where its database work can share a transaction with other flows. The runner sends the answer in, or
throws what was raised. All flows run in one thread, the only one that uses the database.
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
Answer_co = TypeVar("Answer_co", covariant=True)
Item = TypeVar("Item")
Item_contra = TypeVar("Item_contra", contravariant=True)


class BatchOperation(Protocol[Item_contra, Answer_co]):
    """A read or write for many items in one transaction, all or none; one answer per item, in their order."""

    def __call__(self, items: Sequence[Item_contra], /, *, now: datetime) -> Sequence[Answer_co]: ...


@dataclass(frozen=True)
class ProviderCall:
    """A call that may take long and uses no database."""

    call: Callable[[], Any]


@dataclass(frozen=True)
class BatchedCall:
    """A database operation that is run once for all flows that wait for it."""

    operation: BatchOperation[Any, Any]
    item: Any


Step = ProviderCall | BatchedCall
Flow = Generator[Step, Any, Answer]


def call_provider(
    call: Callable[Params, Answer], *args: Params.args, **kwargs: Params.kwargs
) -> Flow[Answer]:
    """Call a provider from a flow; other flows go on meanwhile."""
    answer: Answer = yield ProviderCall(partial(call, *args, **kwargs))
    return answer


def call_batched(operation: BatchOperation[Item, Answer], item: Item) -> Flow[Answer]:
    """Run a database operation in one transaction with the same operation of other flows.

    If the batch fails, each item runs on its own.
    """
    answer: Answer = yield BatchedCall(operation, item)
    return answer


class Inline(Executor):
    """Makes each call at once, in the calling thread."""

    def submit(
        self, call: Callable[Params, Answer], /, *args: Params.args, **kwargs: Params.kwargs
    ) -> Future[Answer]:
        future: Future[Answer] = Future()
        try:
            future.set_result(call(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - raised in the flow that called
            future.set_exception(error)
        return future


class FlowRunner:
    """Runs flows in one thread. Calls `on_end` for each that ended, with the error that ended it, if any."""

    def __init__(
        self, executor: Executor, *, clock: Clock, on_end: Callable[[Any, Exception | None], None]
    ) -> None:
        self._executor, self._clock, self._on_end = executor, clock, on_end
        self._flows: dict[Hashable, Flow[None]] = {}
        self._answers: SimpleQueue[tuple[Hashable, Future[Any]]] = SimpleQueue()
        self._batches: dict[BatchOperation[Any, Any], dict[Hashable, Any]] = {}

    def __len__(self) -> int:
        return len(self._flows)

    def start(self, key: Hashable, flow: Flow[None]) -> None:
        """Run a new flow up to its first step."""
        self._flows[key] = flow
        self._resume(key, partial(next, flow))

    def advance(self, *, wait_seconds: float) -> None:
        """Resume every flow that can continue. If there is none, wait up to `wait_seconds` for an answer of a provider.

        All answers that have arrived are handled first, so that each batch that follows is as large as possible.
        """
        self._handle_answers(0 if self._batches else wait_seconds)
        batches, self._batches = self._batches, {}
        for operation, items in batches.items():
            self._run_batch(operation, items)

    def _handle_answers(self, wait_seconds: float) -> None:
        try:
            key, answer = self._answers.get(block=wait_seconds > 0, timeout=wait_seconds)
            while True:
                self._resume(key, partial(_deliver, self._flows[key], answer))
                key, answer = self._answers.get_nowait()
        except Empty:
            return

    def _run_batch(self, operation: BatchOperation[Any, Any], items: Mapping[Hashable, Any]) -> None:
        """Run an operation for all; where that fails, for each alone, so that one bad row stops no other."""
        try:
            answers = operation(list(items.values()), now=self._clock())
        except Exception as error:  # noqa: BLE001 - raised in the flow that called
            self._run_one_by_one(operation, items, error)
            return
        for key, answer in zip(items, answers, strict=True):
            self._resume(key, partial(self._flows[key].send, answer))

    def _run_one_by_one(
        self, operation: BatchOperation[Any, Any], items: Mapping[Hashable, Any], error: Exception
    ) -> None:
        if len(items) > 1:
            for key, item in items.items():
                self._run_batch(operation, {key: item})
            return
        for key in items:
            self._resume(key, partial(self._flows[key].throw, error))

    def _resume(self, key: Hashable, resume: Callable[[], Step]) -> None:
        try:
            step = resume()
        except StopIteration:
            self._end(key, None)
        except Exception as error:  # noqa: BLE001 - one flow that fails must not stop the others
            self._end(key, error)
        else:
            self._dispatch(key, step)

    def _end(self, key: Hashable, error: Exception | None) -> None:
        del self._flows[key]
        self._on_end(key, error)

    def _dispatch(self, key: Hashable, step: Step) -> None:
        if isinstance(step, BatchedCall):
            self._batches.setdefault(step.operation, {})[key] = step.item
            return
        future = self._executor.submit(step.call)
        future.add_done_callback(lambda done: self._answers.put((key, done)))


def _deliver(flow: Flow[None], answer: Future[Any]) -> Step:
    error = answer.exception()
    return flow.send(answer.result()) if error is None else flow.throw(error)
