"""Sixteen workers and one cash-out: the partner is asked once."""

from __future__ import annotations

from functools import partial

import pytest

from tests.partners.harness import DISTINCT, Harness
from tests.partners.journeys.world import World, work_at_once
from tests.support.at_once import at_once

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

PARTNERS = DISTINCT
WORKERS = 16


def test_sixteen_workers_pay_one_cash_out_once(world: World, partner: Harness) -> None:
    world.order(12_299)

    at_once([partial(work_at_once, world) for _ in range(WORKERS)])
    world.finish()

    assert world.state == "completed"
    assert partner.paid() == world.paid_once(983)
    world.require_booked(pay_xof=983, credit_msat=11_500)
