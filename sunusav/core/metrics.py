"""Types of the metrics page. A room keeps `metrics.py` with a list METRICS."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Sample:
    """One measured value, and what it was measured of."""

    value: int
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Metric:
    """A named quantity and how to read it now. `kind` is Prometheus's: gauge or counter."""

    name: str
    help: str
    read: Callable[[datetime], Iterable[Sample]]
    kind: str = "gauge"
