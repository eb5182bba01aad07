"""The part of the contract that only reads, against a partner's own host: `WAVE_TEST_API_KEY=... pytest <this file>`.

Every `<PARTNER>_TEST_<NAME>` of the environment is given to the plug-ins as `<PARTNER>_<NAME>`. Nothing is paid, and no
request for money is opened.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from ledger.enums import Currency
from ledger.types import xof
from tests.francs.process import FrancProcess
from tests.francs.provider import API_KEY
from tests.partners.calls import counted, prepared
from tests.partners.harness import DISTINCT, Harness, harness_of
from tests.support import network
from transfers.types import NotSeen

OWN_HOST = "TEST_API_KEY"
INVENTED = "franc"


@pytest.fixture
def invented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the variables of the invented partner, so that these tests run somewhere each time."""
    with FrancProcess(tmp_path) as process:
        process.control.top_up(1_000)
        monkeypatch.setenv("FRANC_TEST_URL", process.url)
        monkeypatch.setenv("FRANC_TEST_API_KEY", API_KEY)
        yield


@pytest.fixture(params=DISTINCT)
def real(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Harness]:
    """A partner whose plug-ins call the host that the environment names; its simulator does not run."""
    name: str = request.param
    if name == INVENTED:
        request.getfixturevalue("invented")
    prefix = f"{name.upper()}_TEST_"
    if f"{name.upper()}_{OWN_HOST}" not in os.environ:
        pytest.skip(f"{name.upper()}_{OWN_HOST} is not set")
    for variable, value in list(os.environ.items()):
        if variable.startswith(prefix):
            monkeypatch.setenv(f"{name.upper()}_{variable.removeprefix(prefix)}", value)
    with network.opened():
        yield harness_of(name, tmp_path)


def test_account_tells_what_it_holds(real: Harness) -> None:
    rail = real.rail()

    balance, sendable = rail.balance(), rail.sendable()

    assert balance.currency == sendable.total.currency == Currency.XOF
    assert sendable.largest.amount <= sendable.total.amount


def test_unknown_reference_is_not_seen(real: Harness) -> None:
    rail = real.rail()
    phone = os.environ.get(f"{real.name.upper()}_TEST_PHONE", "")
    order = prepared(real, rail, phone=phone, amount=xof(100))

    found = rail.find(order)

    assert isinstance(found, NotSeen)
    assert (found.source, found.is_resendable) == (order.source, real.traits.is_idempotent)


def test_statement_can_be_read(real: Harness) -> None:
    for line in itertools.islice(real.rail().statement(), 20):
        assert line.reference
        assert line.amount.currency == Currency.XOF


def test_unknown_request_has_received_nothing(real: Harness) -> None:
    collector = real.collector()

    assert counted(lambda: collector.find(str(uuid4()))) == 0
