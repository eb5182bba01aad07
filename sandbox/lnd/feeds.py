"""Publish messages to the streams that are subscribed."""

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
    """The messages that one stream has not yet sent, in order."""

    def __init__(self, leave: Callable[["Subscription[Item]"], None]) -> None:
        self._items: queue.SimpleQueue[Item | _End] = queue.SimpleQueue()
        self._leave = leave

    def put(self, item: Item) -> None:
        self._items.put(item)

    def close(self, refusal: Refusal | None = None) -> None:
        """End the stream with OK, or with a gRPC status."""
        self._leave(self)
        self._items.put(_End(refusal))

    def __iter__(self) -> Iterator[Item]:
        while not isinstance(item := self._items.get(), _End):
            yield item
        if item.refusal is not None:
            raise item.refusal


class Feed(Generic[Item]):
    """Subscriptions by topic (a payment hash, or None for all). An item is made only when there is a subscriber."""

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
            subscribers = [
                *self._topics.get(topic, ()),
                *(self._topics.get(None, ()) if topic is not None else ()),
            ]
        if subscribers:
            item = make()
            for subscriber in subscribers:
                subscriber.put(item)

    def close(self, refusal: Refusal | None = None) -> None:
        with self._lock:
            subscribers = [subscriber for topic in self._topics.values() for subscriber in topic]
        for subscriber in subscribers:
            subscriber.close(refusal)

    def _leave(self, topic: Hashable, gone: Subscription[Item]) -> None:
        with self._lock:
            left = [subscriber for subscriber in self._topics.get(topic, ()) if subscriber is not gone]
            if left:
                self._topics[topic] = left
            else:
                self._topics.pop(topic, None)
