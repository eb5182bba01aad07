"""What the migration to limits does with rows that were there before."""

from importlib import import_module

import pytest
from django.apps import apps

from tests.transfers.builders import ordered, row_of
from tests.transfers.rails import invoice_for
from tests.transfers.unchanged import unchanged
from transfers.models import Disbursement

pytestmark = pytest.mark.django_db

migration = import_module("transfers.migrations.0006_limits")


def test_payees_of_earlier_orders_are_their_winners_or_else_their_subjects() -> None:
    winners = ordered("awa")
    others = ordered("fund", priced_for=None, destination=invoice_for("fund", 100_000))
    Disbursement.objects.update(payee_ref="")

    migration.name_payees(apps, None)

    assert row_of(winners).payee_ref == "user:user-awa"
    assert row_of(others).payee_ref == "cycle:fund"


def test_first_limits_are_put_in_force_once() -> None:
    with unchanged():
        migration.put_first_limits_in_force(apps, None)
