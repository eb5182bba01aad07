from celery import shared_task

from sunusav.backoffice.list_exports import prepare_exports
from sunusav.core import clock
from sunusav.core.exporting.requests import delete_expired


@shared_task(name="backoffice.prepare_exports")
def prepare_exports_task() -> bool:
    return prepare_exports(clock=clock.database_clock())


@shared_task(name="backoffice.delete_expired_exports")
def delete_expired_exports_task() -> int:
    return delete_expired(now=clock.now())
