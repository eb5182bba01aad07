"""The health of every component: the checks of all apps, and those of broker, workers, beat and backlog."""

import logging
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.conf import settings
from django.db.models import Max
from django_celery_beat.models import PeriodicTask

from sunusav.core.app_modules import collect
from sunusav.core.health import DEGRADED, DOWN, OK, HealthCheck, HealthReport
from sunusav.core.models import OutboxMessage
from sunusav.core.readings import store_health
from sunusav.core.switches import outgoing, sends_that_may_leave
from sunusav.core.trail import unsealed

logger = logging.getLogger(__name__)

BROKER_TIMEOUT_SECONDS = 1.0
# Beat saves its last runs at least every three minutes (celery.beat.Scheduler.sync_every).
BEAT_SILENT_AFTER = timedelta(minutes=5)
LATE_AFTER = timedelta(minutes=10)
STATUSES = [OK, DEGRADED, DOWN]  # from best to worst


def components(*, now: datetime) -> dict[str, dict[str, Any]]:
    """Return the facts and the status of each component. Checks of one component are merged; the worst wins."""
    found: dict[str, dict[str, Any]] = {}
    for check in collect("health", "HEALTH_CHECKS"):
        report = _run(check, now)
        before = found.get(check.component, {"status": OK})
        found[check.component] = {**before, **report.facts, "status": worst(before["status"], report.status)}
    return found


def check_health(*, now: datetime) -> dict[str, str]:
    """Log every component that is not well; return the status of each."""
    statuses = {component: facts["status"] for component, facts in components(now=now).items()}
    for component, status in statuses.items():
        if status != OK:
            logger.warning("component %s is %s", component, status)
    return statuses


def record_health(*, now: datetime) -> int:
    """Store the facts and the status of each component for the back office; return how many are not well."""
    found = components(now=now)
    store_health(found, now=now)
    return sum(facts["status"] != OK for facts in found.values())


def worst(*statuses: str) -> str:
    return max(statuses, key=STATUSES.index, default=OK)


def _run(check: HealthCheck, now: datetime) -> HealthReport:
    try:
        return check.run(now)
    except Exception as error:
        logger.exception("health check %s failed", check.component)
        return HealthReport(DOWN, {"error": type(error).__name__})


def _broker(now: datetime) -> HealthReport:
    with current_app.connection_for_write(connect_timeout=BROKER_TIMEOUT_SECONDS) as connection:
        connection.connect()
        return HealthReport(OK, {"transport": connection.transport_cls})


def _workers(now: datetime) -> HealthReport:
    with current_app.connection_for_write(connect_timeout=BROKER_TIMEOUT_SECONDS) as connection:
        connection.connect()
        inspect = current_app.control.inspect(timeout=BROKER_TIMEOUT_SECONDS, connection=connection)
        served = inspect.active_queues() or {}
    unserved = sorted(_queues() - {queue["name"] for queues in served.values() for queue in queues})
    status = DEGRADED if served and unserved else DOWN if unserved else OK
    return HealthReport(status, {"answered": len(served), "queues_without_worker": unserved})


def _queues() -> set[str]:
    routed = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    return {settings.CELERY_TASK_DEFAULT_QUEUE, *routed}


def _beat(now: datetime) -> HealthReport:
    last = PeriodicTask.objects.filter(enabled=True).aggregate(at=Max("last_run_at"))["at"]
    if last is None:
        return HealthReport(DOWN, {"last_run_at": None})
    return HealthReport(OK if now - last < BEAT_SILENT_AFTER else DOWN, {"last_run_at": last})


def _backlog(now: datetime) -> HealthReport:
    waiting = OutboxMessage.objects.filter(delivered_at=None)
    late = waiting.filter(created_at__lt=now - LATE_AFTER).count()
    unsealed_late = unsealed().filter(at__lt=now - LATE_AFTER).count()
    facts = {"outbox_waiting": waiting.count(), "outbox_late": late, "trail_unsealed_late": unsealed_late}
    return HealthReport(DEGRADED if late or unsealed_late else OK, facts)


def _outgoing(now: datetime) -> HealthReport:
    switch = outgoing()
    if switch.is_open:
        return HealthReport(OK)
    leaving = sends_that_may_leave(now)
    facts = {"paused_at": switch.changed_at, "reason": switch.reason, "sends_that_may_leave": leaving}
    return HealthReport(DEGRADED, facts)


HEALTH_CHECKS = [
    HealthCheck("broker", _broker),
    HealthCheck("workers", _workers),
    HealthCheck("beat", _beat),
    HealthCheck("backlog", _backlog),
    HealthCheck("outgoing", _outgoing),
]
