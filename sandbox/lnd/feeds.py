"""Hand news to the streams that wait for it."""

import queue
import threading
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

from sandbox.lnd.errors import Refusal

Item = TypeVar("Item")


class _End:
    def __init__(self, refusal: Refusal | None) -> None:
        self.refusal = refusal


class Subscription(Generic[Item]):
    """What one stream still has to be told, in order."""

    def __init__(self, leave: Callable[["Subscription[Item]"], None]) -> None:
        self._items: queue.SimpleQueue[Item | _End] = queue.SimpleQueue()
        self._leave = leave

    def put(self, item: Item) -> None:
        self._items.put(item)

    def close(self, refusal: Refusal | None = None) -> None:
        """End the stream: quietly, or with a gRPC status."""
        self._leave(self)
        self._items.put(_End(refusal))

    def __iter__(self) -> Iterator[Item]:
        while not isinstance(item := self._items.get(), _End):
            yield item
        if item.refusal is not None:
            raise item.refusal


class Feed(Generic[Item]):
    """Subscriptions by topic (a payment hash, or None for all). An item is made only when somebody listens."""

    def __init__(self) -> None:
        self._topics: dict[Hashable, list[Subscription[Item]]] = {}
        self._lock = threading.Lock()

    def subscribe(self, topic: Hashable = None) -> Subscription[Item]:
        with self._lock:
            subscription = Subscription[Item](lambda gone: self._leave(topic, gone))
            self._topics.setdefault(topic, []).append(subscription)
            return subscription

    def publish(self, topic: Hashable, make: Callable[[], Item]) -> None:
        with self._lock:
            listeners = [
                *self._topics.get(topic, ()),
                *(self._topics.get(None, ()) if topic is not None else ()),
            ]
        if listeners:
            item = make()
            for listener in listeners:
                listener.put(item)

    def close(self, refusal: Refusal | None = None) -> None:
        with self._lock:
            listeners = [listener for topic in self._topics.values() for listener in topic]
        for listener in listeners:
            listener.close(refusal)

    def _leave(self, topic: Hashable, gone: Subscription[Item]) -> None:
        with self._lock:
            left = [listener for listener in self._topics.get(topic, ()) if listener is not gone]
            if left:
                self._topics[topic] = left
            else:
                self._topics.pop(topic, None)
