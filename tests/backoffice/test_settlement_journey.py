"""In a real browser, in French: a month with a partner, from who proposes it to who audits it.

Five payouts accrue 38 + 19 + 28 + 14 + 3,000 = 3,099 sats; at 8,000,000 francs for a bitcoin these are 247.92: 247 are
paid and take 3,087,500 msat, and 0.92 are carried over with 11,500 msat.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import localtime
from playwright.sync_api import BrowserContext
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from ledger.queries import balance, owed
from partners.models import Settlement
from partners.settlements.calculations import month_of
from sunusav.core import clock
from sunusav.core.calendar import DAKAR
from sunusav.core.models import TrailEntry
from sunusav.core.roles import Role, sync_roles
from tests.backoffice.test_days import Session
from tests.backoffice.world import person
from tests.factories.settlements import PHONE, account_in_use, rate_of, worked_example
from tests.fakes.franc_rail import ScriptedFrancRail
from tests.support.browser import IN_BROWSER, chromium, complaints_of, keep_screenshot, log_in
from transfers.engine.runner import run_due
from transfers.models import Disbursement
from transfers.rails import rail
from transfers.types.accounts import POSITION_MSAT, POSITION_XOF, partner_reserve

__all__ = ["chromium"]
pytestmark = IN_BROWSER
# A window is closed an hour after its end at the earliest.
JUST_OVER = timedelta(hours=2)


@pytest.fixture
def wave(plugins: None, settings: Settings) -> Iterator[ScriptedFrancRail]:
    settings.PARTNERS = ["wave"]
    settings.RAILS = {**settings.RAILS, "wave": "tests.fakes.franc_rail.ScriptedWaveRail"}
    rail.cache_clear()
    found = rail("wave")
    assert isinstance(found, ScriptedFrancRail)
    yield found
    rail.cache_clear()


@pytest.fixture
def month(chromium: BrowserContext, wave: ScriptedFrancRail) -> datetime:
    """Have the fees of the worked example accrue in the last month that is over; return its first moment."""
    sync_roles()
    at = month_of(clock.now() - JUST_OVER, sequence=1).start - timedelta(days=1)
    rate_of("8000000", at=at)
    worked_example(at=at)
    account_in_use(now=clock.now())
    return month_of(at, sequence=1).start


@pytest.fixture
def enter(chromium: BrowserContext, live_server: LiveServer) -> Callable[[str, Role], Session]:
    """Return a function that opens the first page of a person, who has the browser to themselves."""

    def as_person(name: str, role: Role) -> Session:
        log_in(chromium, person(name, role), live_server)
        page = chromium.new_page()
        found = Session(page, live_server.url, complaints_of(page))
        found.open_first_page()
        return found

    return as_person


def content(session: Session) -> str:
    """Return what the page says, with one blank between words."""
    return " ".join(session.page.locator("#content").inner_text().split())


def misses(session: Session, *texts: str) -> list[str]:
    """Return the texts that the page does not say."""
    found = content(session)
    return [text for text in texts if text not in found]


def test_month_is_proposed_approved_paid_and_audited_by_four_persons(enter, month, wave):
    name = f"Wave {month:%Y-%m}"

    maker = enter("fatou", Role.FINANCE)
    maker.in_item(f"wave {month:%Y-%m}", "Clore le mois")
    row = _propose(maker, name)
    checker = enter("aminata", Role.APPROVER)
    _approve(checker, row)
    executor = enter("ousmane", Role.FINANCE)
    executor.in_item(name, "Payer")
    _execute(executor, f"n° {row.pk} {name}, 247 F CFA", wave)
    assert run_due(slots=1, clock=clock.now).worked == 1
    assert (list(wave.paid.values()), wave.phones) == ([247], [PHONE])
    auditor = enter("awa", Role.AUDITOR)
    assert name not in content(auditor)
    _audit(auditor, row)

    assert owed(partner_reserve("wave")) == 11_500
    assert (balance(POSITION_MSAT), balance(POSITION_XOF)) == (-3_087_500, 247)
    trail = TrailEntry.objects.filter(subject=f"settlement:{row.pk}").order_by("pk")
    assert list(trail.values_list("action", "actor__username")) == [
        ("close_window", "fatou"), ("propose", "fatou"), ("approve", "aminata"), ("approved", "aminata"),
        ("execute", "ousmane"),
    ]  # fmt: skip
    assert [one.complaints for one in (maker, checker, executor, auditor)] == [[]] * 4


def _propose(maker: Session, name: str) -> Settlement:
    maker.press("Clore un mois")
    maker.must_read("clos ; une autre personne doit approuver")
    row = Settlement.objects.get()
    assert (row.accrued_sats, row.accrued_xof, row.due_xof) == (3_099, Decimal("247.92"), 247)
    assert (row.settled_msat, row.residue_msat, row.residue_xof) == (3_087_500, 11_500, Decimal("0.92"))
    assert misses(maker, f"{row.pk} {name} 3 099 sats 247 F CFA en attente") == []
    keep_screenshot(maker.page, "settlement-proposed")
    maker.open_first_page()
    assert "Clore le mois" not in content(maker), "it waits for another person"
    return row


def _approve(checker: Session, row: Settlement) -> None:
    checker.in_item(f"Régler un mois avec un partenaire (n° {row.pk})", "Décider")
    checker.must_read("Si vous approuvez")
    shown = (
        "247 F CFA peuvent être payés à Wave", "Commissions et contre-passations 5", "Acquis 3 099 sats",
        "Acquis en francs, exactement 247,92 F CFA", "Dû 247 F CFA", "Reste pour le mois suivant 0,92 F CFA",
        "Réserve du partenaire 3 099 sats 11,500 sats",
    )  # fmt: skip
    assert misses(checker, *shown) == []
    checker.click("Approuver")
    checker.page.locator(".confirm").wait_for()
    assert misses(checker, *shown) == [], "the confirmation shows the same"
    keep_screenshot(checker.page, "settlement-approval")
    checker.press("Approuver")
    checker.must_read("Approuvé par aminata")


def _execute(executor: Session, name: str, wave: ScriptedFrancRail) -> None:
    executor.click("Payer par le moyen de paiement du partenaire")
    executor.page.locator(".confirm").wait_for()
    assert misses(executor, name, "Acquis 3 099 sats", "État approuvé") == []
    executor.explain("lettre de Wave")
    executor.press("Payer par le moyen de paiement du partenaire")
    executor.must_read("ordonné ; un processus l’envoie")
    assert (misses(executor, "État en cours"), wave.sends) == ([], 0), "the web process sends nothing"
    executor.open_first_page()
    assert "Règlements à payer" not in content(executor)


def _audit(auditor: Session, row: Settlement) -> None:
    """Read the settlement and its course, then its payment and what that booked."""
    assert "Aucun règlement n’attend." in content(auditor)
    auditor.choose("Partenaires", "Règlements")
    auditor.click(str(row.pk))
    auditor.must_read("Comment il est payé")
    paid_at = localtime(Disbursement.objects.get().completed_at, DAKAR)
    story = (
        "Acquis 3 099 sats", "Acquis en francs, exactement 247,92 F CFA", "Reporté du mois précédent 0 F CFA",
        "Dû 247 F CFA", "Prélevé sur la réserve 3 087,500 sats", "Reste pour le mois suivant 0,92 F CFA",
        "État terminé", f"Terminé le {paid_at:%d/%m/%Y %H:%M}", "Approuvé par aminata",
        "Mois clos : 3 099 sats acquis, 247 F CFA sont dus fatou",
        "Paiement de 247 F CFA ordonné ousmane lettre de Wave",
    )  # fmt: skip
    assert misses(auditor, *story) == []
    assert "Payer" not in content(auditor)
    keep_screenshot(auditor.page, "settlement-audited")
    auditor.page.locator("#content").get_by_role("link", name="paiement n°").first.click()
    auditor.must_read("Payé en francs")
    booked = (
        "dû au partenaire (Wave) débit 3 087,500 sats en transit crédit 3 087,500 sats",
        "en transit débit 3 087,500 sats position de change crédit 3 087,500 sats position de change débit 247 F CFA",
        "position de change débit 247 F CFA provision chez un partenaire (Wave) crédit 252 F CFA",
        "provision chez un partenaire (Wave) crédit 252 F CFA frais de partenaire (Wave) débit 5 F CFA",
    )
    assert misses(auditor, "Le bénéficiaire est payé", *booked) == []
