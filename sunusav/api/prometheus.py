"""The metrics of every app in Prometheus's text format.

Source: the Prometheus text exposition format, version 0.0.4.
"""

import logging
from collections.abc import Iterator
from datetime import datetime

from sunusav.core.app_modules import collect
from sunusav.core.metrics import Metric

logger = logging.getLogger(__name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "sunusav_"


def metrics_text(*, now: datetime) -> str:
    return "".join(f"{line}\n" for metric in collect("metrics", "METRICS") for line in _lines(metric, now))


def _lines(metric: Metric, now: datetime) -> Iterator[str]:
    """Yield the lines of one metric. One that cannot be read is logged and left out, so that the others remain."""
    try:
        samples = list(metric.read(now))
    except Exception:
        logger.exception("metric %s cannot be read", metric.name)
        return
    yield f"# HELP {PREFIX}{metric.name} {_escaped(metric.help)}"
    yield f"# TYPE {PREFIX}{metric.name} {metric.kind}"
    for sample in samples:
        labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(sample.labels.items()))
        yield f"{PREFIX}{metric.name}{f'{{{labels}}}' if labels else ''} {sample.value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
