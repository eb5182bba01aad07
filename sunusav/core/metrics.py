"""Types of the metrics, and the metrics of core. Apps list theirs in `METRICS` of their `metrics.py`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sunusav.core.models import OutboxMessage
from sunusav.core.switches import outgoing
from sunusav.core.trail import unsealed


@dataclass(frozen=True)
class Sample:
    """One measured value and its labels."""

    value: int
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Metric:
    """A named quantity and how to read it. `kind` is Prometheus's: gauge or counter."""

    name: str
    help: str
    read: Callable[[datetime], Iterable[Sample]]
    kind: str = "gauge"


def _outbox_waiting(now: datetime) -> Iterator[Sample]:
    yield Sample(OutboxMessage.objects.filter(delivered_at=None).count())


def _trail_unsealed(now: datetime) -> Iterator[Sample]:
    yield Sample(unsealed().count())


def _outgoing_open(now: datetime) -> Iterator[Sample]:
    yield Sample(int(outgoing().is_open))


METRICS = [
    Metric("outbox_waiting", "Messages to the platform that were not delivered yet.", _outbox_waiting),
    Metric("trail_unsealed", "Trail entries that wait for their seal.", _trail_unsealed),
    Metric("outgoing_open", "1 while money may leave, 0 while it is paused.", _outgoing_open),
]
