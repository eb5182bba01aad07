"""The books beside providers and bank account by account, the forecast, and what the inbox says of both."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.formats import date_format
from django.utils.timezone import localdate, localtime

from sunusav.backoffice.inbox import ALARM, ATTENTION, Amount, Notice, notices_for
from sunusav.core import clock
from sunusav.core.calendar import DAKAR
from sunusav.core.figures import start_of
from sunusav.core.models import Reading
from sunusav.core.roles import Role, sync_roles
from tests.backoffice.conftest import Enter
from tests.backoffice.world import person
from tests.factories.payouts import make_group, make_payable_cycle, process
from tests.factories.statements import make_format, statement
from tests.factories.treasury import BANK, NODE, book, opening
from tests.fakes.rail import ScriptedRail
from transfers.balance_queries import PAYMENTS_DUE
from transfers.engine.liquidity import look_at_rails
from transfers.enums import TreasuryKind
from transfers.models import ClosingBalance, RailLiquidity, StatementImport
from transfers.rails import rail
from transfers.services.treasury_readings import read_treasury
from transfers.types import Movement

pytestmark = pytest.mark.django_db

ACCOUNTS, FORECAST = "/admin/transfers/railliquidity/accounts/", "/admin/transfers/railliquidity/forecast/"
IMPORTS = "/admin/transfers/statementimport/"
OTHER_BALANCE = "Statements close with another balance than the books"
RUNS_SHORT = "Accounts that run short within seven days"


@pytest.fixture(autouse=True)
def roles(db: None) -> None:
    sync_roles()


def page(client: Client, url: str) -> str:
    answer = client.get(url, follow=True)
    assert answer.status_code == 200
    return " ".join(unescape(answer.content.decode()).split())


def cells(client: Client, url: str, name: str, *, of: int = 1) -> list[str]:
    """Return the cells of the line that begins with this name, in the table with this number."""
    table = page(client, url).split("<tbody>")[of].partition("</tbody>")[0]
    rows = [[_text(cell) for cell in row.split("</td>")[:-1]] for row in table.split("<tr>")[1:]]
    return next(row for row in rows if row[0] == name)


def _text(cell: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", cell).split())


def fake() -> ScriptedRail:
    found = rail("lightning")
    assert isinstance(found, ScriptedRail)
    return found


def look() -> None:
    look_at_rails(["lightning"], clock=clock.now)


def today() -> date:
    return localdate(clock.now(), DAKAR)


def statement_of_the_bank(closing_xof: int, enter: Enter) -> None:
    """Import a statement of today by the page, with its closing balance."""
    make_format(now=clock.now(), source="bank")
    content = statement(("fee", "-25", today().isoformat()))
    sent = {"source": "bank", "file": SimpleUploadedFile("bank.csv", content), "closing_xof": closing_xof}
    assert enter(Role.FINANCE).post(f"{IMPORTS}actions/import/", sent, follow=True).status_code == 200
    read_treasury(now=clock.now())


def notice(title: str, role: Role = Role.FINANCE) -> Notice | None:
    found = notices_for(person(f"reader-{role}", role), now=clock.now())
    return next((one for one in found if str(one.title) == title), None)


def difference_at_the_bank(enter: Enter) -> None:
    """The statement of today closes with 75 francs more than the books have."""
    book(opening(BANK, 1_000_000), now=clock.now(), happened_on=today())
    statement_of_the_bank(1_000_075, enter)


# Account by account


def test_each_account_is_shown_with_what_the_other_side_has(enter: Enter) -> None:
    """The node has 2,000 sats less than the books, and the bank 75 francs more."""
    book(opening(NODE, 2_000_000_000), now=clock.now(), happened_on=today())
    fake().balance_msat = 1_998_000_000
    look()
    difference_at_the_bank(enter)

    node, bank, onchain = (
        cells(enter(Role.FINANCE), ACCOUNTS, name) for name in ("node", "bank", "on-chain wallet")
    )

    looked_at = date_format(localtime(RailLiquidity.objects.get().balance_at), "d/m/Y H:i:s")
    assert node[2] == f"1 998 000 sats on {looked_at}, when the books had 2 000 000 sats"
    assert (node[1], node[3], node[6]) == (
        "2 000 000 sats",
        "−2 000 sats Propose the movement",
        "moved just now",
    )
    day = f"{today():%d/%m/%Y}"
    assert bank[2] == f"1 000 075 F CFA at the end of {day}, when the books had 1 000 000 F CFA"
    assert (bank[1], bank[3], bank[4], bank[6]) == (
        "1 000 000 F CFA", "75 F CFA Propose the movement", day, "differs",
    )  # fmt: skip
    assert onchain == ["on-chain wallet", "0 sats", "nobody reports it", "–", "–", "–", "not known"]


def test_difference_at_a_provider_is_to_be_explained_after_a_quarter_of_an_hour(enter: Enter) -> None:
    fake().balance_msat = 1_000
    look()
    RailLiquidity.objects.update(differs_since=clock.now() - timedelta(minutes=16))

    assert cells(enter(Role.FINANCE), ACCOUNTS, "node")[6] == "differs"


def test_who_may_propose_movements_gets_the_link_with_kind_and_account(enter: Enter) -> None:
    difference_at_the_bank(enter)
    link = "/admin/transfers/treasurymovement/actions/propose/?account=bank%3AXOF&kind=surplus"

    finance, auditor = page(enter(Role.FINANCE), ACCOUNTS), page(enter(Role.AUDITOR), ACCOUNTS)

    assert (finance.count(link), auditor.count(link)) == (1, 0)
    assert page(enter(Role.FINANCE), link).count('<option value="surplus" selected>') == 1


def test_bank_without_closing_balance_says_so(enter: Enter) -> None:
    assert cells(enter(Role.FINANCE), ACCOUNTS, "bank")[2] == "no closing balance imported yet"
    assert cells(enter(Role.FINANCE), ACCOUNTS, "node")[2] == "not looked at yet"


def test_inbox_has_the_difference_at_the_bank_with_its_age(enter: Enter) -> None:
    difference_at_the_bank(enter)

    found = notice(OTHER_BALANCE)

    assert found is not None
    assert (found.tone, found.url, [(row.title, row.since) for row in found.rows]) == (
        ALARM, ACCOUNTS, [("bank", start_of(today()))],
    )  # fmt: skip
    assert notice(OTHER_BALANCE, Role.OPERATOR) is not None
    book(Movement(TreasuryKind.SURPLUS, BANK, 75), now=clock.now(), happened_on=today())
    read_treasury(now=clock.now())
    assert notice(OTHER_BALANCE) is None


def test_closing_balance_is_recorded_afterwards_by_finance_alone(enter: Enter) -> None:
    difference_at_the_bank(enter)
    row = StatementImport.objects.get()
    url, sent = f"{IMPORTS}actions/record-closing-balance/", {"closing_xof": 1_000_000, "reason": "mistyped"}
    assert enter(Role.AUDITOR).post(url, {**sent, "pk": row.pk}).status_code == 403
    assert enter(Role.FINANCE).post(url, sent).status_code == 302  # about no statement
    assert ClosingBalance.objects.count() == 1

    enter(Role.FINANCE).post(url, {**sent, "pk": row.pk})

    shown = page(enter(Role.FINANCE), f"{IMPORTS}{row.pk}/change/")
    assert "Closing balance recorded: 1 000 000 F CFA" in shown
    assert shown.index("1 000 000 F CFA") < shown.index("1 000 075 F CFA")
    read_treasury(now=clock.now())
    assert cells(enter(Role.FINANCE), ACCOUNTS, "bank")[3] == "0 F CFA"


# The forecast


def payout_of_today() -> None:
    """Order a payout of 99,000 sats net; the node can send 60,000."""
    fake().balance_msat = 60_000_000
    look()
    process(make_payable_cycle(make_group(members=10)), now=clock.now())
    read_treasury(now=clock.now())


def test_forecast_names_day_and_amount_by_which_the_node_is_short(enter: Enter) -> None:
    payout_of_today()
    day = f"{today():%d/%m/%Y}"

    node = cells(enter(Role.FINANCE), FORECAST, "node")
    assert node == ["node", "60 000 sats", "99 000 sats", "−39 000 sats", day, "39 000 sats"]
    assert cells(enter(Role.FINANCE), FORECAST, day, of=2) == [day, "−39 000 sats"]
    assert cells(enter(Role.FINANCE), FORECAST, day, of=3) == [
        day, "node", "payments under way or waiting", "1", "99 000 sats",
    ]  # fmt: skip
    found = notice(RUNS_SHORT)
    assert found is not None
    assert (found.tone, found.url, [(row.amount, row.why) for row in found.rows]) == (
        ATTENTION, FORECAST, [(Amount(39_000_000), f"from {day} on")],
    )  # fmt: skip


def test_forecast_that_suffices_is_not_in_the_inbox(enter: Enter) -> None:
    payout_of_today()
    fake().balance_msat = 99_000_000
    look()

    assert cells(enter(Role.FINANCE), FORECAST, "node")[3:] == ["0 sats", "–", "–"]
    assert notice(RUNS_SHORT) is None


def test_old_forecast_says_so_and_is_not_in_the_inbox(enter: Enter) -> None:
    payout_of_today()
    Reading.objects.filter(name=PAYMENTS_DUE).update(read_at=clock.now() - timedelta(minutes=61))

    assert "That is out of date" in page(enter(Role.FINANCE), FORECAST)
    assert notice(RUNS_SHORT) is None


def test_forecast_before_the_first_reading_says_so(enter: Enter) -> None:
    shown = page(enter(Role.FINANCE), FORECAST)

    assert "What falls due was not read yet" in shown
    assert "That is out of date" not in shown


@pytest.mark.parametrize("url", [ACCOUNTS, FORECAST])
def test_who_may_not_see_the_treasury_sees_neither_page(enter: Enter, url: str) -> None:
    assert enter(Role.PLATFORM).get(url).status_code in {302, 403}
    assert enter(Role.OPERATOR).get(url).status_code == 200
