import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from ledger.models import Account, AuditRun, ExchangeRate, JournalEntry, LedgerSeal
from ledger.rates.sources import Coinbase
from ledger.tasks import audit_books_fast_task, audit_books_full_task, seal_books_task, update_rates_task
from sunusav.core import clock
from sunusav.core.switches import outgoing
from tests.ledger.builders import HOUR, NODE, Market, coinbase_answer, received, running_market, stored_rate

pytestmark = pytest.mark.django_db
market_url = ""


def source() -> Any:
    """Return the Coinbase source with the address of the local market."""
    return Coinbase(market_url)


@pytest.fixture
def market(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings.RATE_SOURCES = ["tests.ledger.test_commands.source"]
    with running_market() as server:
        monkeypatch.setattr("tests.ledger.test_commands.market_url", server.url)
        yield server


def run(name: str, *arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command(name, *arguments, stdout=out, stderr=StringIO())
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def break_books() -> None:
    JournalEntry.objects.create(
        transaction_id=received("r-1"), account=Account.objects.get(code=NODE.code), currency="msat", amount=1
    )


def test_audit_books_clean_exits_0() -> None:
    status, text = run("audit_books")

    assert (status, text.startswith("clean: I01 ")) == (0, True)
    [found] = AuditRun.objects.all()
    assert (found.kind, found.checked_since, found.breaches_found, found.waiting_found) == (
        "full",
        None,
        0,
        0,
    )


def test_audit_books_broken_exits_1_names_the_breach_and_pauses() -> None:
    break_books()

    status, text = run("audit_books")

    assert status == 1
    assert text.splitlines()[0].startswith("breach  I01  journal:")
    assert "3 lines in msat sum to 1" in text
    assert not outgoing().is_open


def test_audit_books_no_pause_pauses_nothing() -> None:
    break_books()

    assert run("audit_books", "--no-pause")[0] == 1
    assert outgoing().is_open
    assert list(AuditRun.objects.values_list("kind", "breaches_found")) == [("full", 2)]


def test_audit_books_waiting_exits_2(monkeypatch: pytest.MonkeyPatch) -> None:
    received("r-1")
    later = clock.now() + HOUR
    monkeypatch.setattr(clock, "now", lambda: later)

    status, text = run("audit_books")

    assert status == 2
    assert text.startswith("waits  I20  journal:")
    assert outgoing().is_open


def test_audit_books_json_is_one_document() -> None:
    break_books()

    status, text = run("audit_books", "--json", "--fast", "--no-pause")

    document = json.loads(text)
    assert (status, document["exit_code"], document["breaches"][0]["invariant"]) == (1, 1, "I01")
    assert document["since"] is not None


def test_update_rates_prints_the_rate(market: Market) -> None:
    market.answers(coinbase_answer("12195.92"))

    status, text = run("update_rates")

    row = ExchangeRate.objects.get()
    assert (status, text) == (0, f"7999999.09544 XOF/BTC (row {row.pk})\n")


def test_update_rates_without_an_answer_fails_by_name(market: Market) -> None:
    market.answers(coinbase_answer("NaN"))

    with pytest.raises(CommandError, match=r"no-rate-source-answered.*not_finite"):
        run("update_rates")


def test_update_rates_in_quarantine_fails_by_name(market: Market) -> None:
    stored_rate("16000000", at=clock.now())
    market.answers(coinbase_answer("12195.92"))

    with pytest.raises(CommandError, match=r"in quarantine \(jumped\)"):
        run("update_rates")


def test_tasks_call_their_services(market: Market) -> None:
    market.answers(coinbase_answer("12195.92"))
    received("r-1", at=clock.now())

    assert seal_books_task() == 1
    assert LedgerSeal.objects.count() == 1
    assert update_rates_task() == ExchangeRate.objects.get().pk
    assert audit_books_fast_task() == 0
    assert audit_books_full_task() == 0
    assert list(AuditRun.objects.order_by("pk").values_list("kind", flat=True)) == ["fast", "full"]


def test_tasks_have_the_names_of_the_schedule() -> None:
    tasks = [seal_books_task, update_rates_task, audit_books_fast_task, audit_books_full_task]

    assert [task.name for task in tasks] == [
        "ledger.seal_books", "ledger.update_rates", "ledger.audit_books_fast", "ledger.audit_books_full",
    ]  # fmt: skip
