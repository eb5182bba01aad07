"""What the migration to collections in either currency makes of requests and receipts that were stored before."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from tests.support.triggers import without_triggers
from tests.transfers.builders import BY, NOW
from tests.transfers.collecting import opened, received, stored
from transfers.models import Receipt
from transfers.services.cancellations import cancel_collection

migration = import_module("transfers.migrations.0026_collections_in_francs")

# To drop triggers commits on MySQL and MariaDB.
pytestmark = pytest.mark.django_db(transaction=True)


def test_first_payment_completed_its_request_and_all_others_were_extra() -> None:
    paid, late = opened("contribution:1"), opened("contribution:2")
    received(paid, payment="first")
    cancel_collection(collection_id=late.id, actor=BY, reason="test", now=NOW)
    received(late, payment="late")
    received(paid, 7, payment="second")
    with without_triggers(connection):
        Receipt.objects.update(use="part")
        migration.name_uses(apps, None)

    uses = dict(Receipt.objects.values_list("reference", "use"))
    assert uses == {"first": "complete", "late": "extra", "second": "extra"}
    assert stored(paid).due == stored(paid).amount


def test_request_paid_in_part_stops_the_migration_by_name() -> None:
    facts = opened()
    received(facts, 1)
    with pytest.raises(RuntimeError, match=f"collection {facts.id} is paid in part"):
        migration.name_uses(apps, None)
