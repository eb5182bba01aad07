"""In a real browser, in French: each role does a day's work, from what waits on the first page to its end."""

from dataclasses import dataclass

import pytest
from playwright.sync_api import BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

from fees.queries import verified_groups
from sunusav.core import clock
from sunusav.core.models import Proposal
from sunusav.core.roles import Role
from tests.backoffice.world import World, make_world, person
from tests.factories.payouts import make_group
from tests.support.browser import IN_BROWSER, chromium, complaints_of, keep_screenshot, log_in
from transfers.models import Disbursement

__all__ = ["chromium"]
pytestmark = IN_BROWSER
MOST_TABS = 60


@dataclass
class Session:
    """A person's browser: the pages that they see, and what the browser complains about."""

    page: Page
    address: str
    complaints: list[str]

    def open_first_page(self) -> None:
        self.page.goto(f"{self.address}/admin/")

    def click(self, name: str) -> None:
        """Click the one link of this name; it fails where there is none or more than one."""
        self.page.locator("#content").get_by_role("link", name=name, exact=True).click()

    def press(self, name: str) -> None:
        """Press the one button of this name."""
        self.page.locator("#content").get_by_role("button", name=name, exact=True).click()

    def explain(self, reason: str) -> None:
        self.page.get_by_label("Motif").fill(reason)

    def save(self) -> None:
        self.page.locator("[name=_save]").click()

    def must_read(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()

    def choose(self, area: str, entry: str) -> None:
        """Choose an entry of the menu, whose area is folded until it is opened."""
        menu = self.page.locator("#nav-sidebar-apps")
        found = menu.get_by_role("link", name=entry, exact=True)
        if not found.is_visible():
            menu.locator("summary").filter(has_text=area).click()
        found.click()

    def tab_to(self, name: str) -> None:
        """Press Tab until the link or button of this name has the focus."""
        passed = []
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            passed.append(self.page.evaluate("document.activeElement.innerText.split('\\n').at(-1)"))
            if passed[-1] == name:
                return
        raise AssertionError(f"no Tab leads to {name}, but to {passed}")

    def in_item(self, title: str, name: str) -> None:
        """Click a link of the row that names a thing in an item of the inbox."""
        self.page.locator(".notice-rows li").filter(has_text=title).get_by_role("link", name=name).click()


@pytest.fixture
def world(chromium: BrowserContext) -> World:
    return make_world()


def session_of(chromium: BrowserContext, live_server: LiveServer, role: Role) -> Session:
    log_in(chromium, person(f"a-{role.value}", role), live_server)
    page = chromium.new_page()
    return Session(page, live_server.url, complaints_of(page))


def test_maker_repairs_a_payment_and_proposes_a_verification(
    chromium: BrowserContext, live_server: LiveServer, world: World
) -> None:
    make_group(members=2, id="pikine", name="Tontine Pikine")
    maker = session_of(chromium, live_server, Role.FINANCE)

    maker.open_first_page()
    keep_screenshot(maker.page, "maker-first-page")
    maker.click("Réparer")
    keep_screenshot(maker.page, "maker-failed-payment")
    maker.click("Relancer")
    maker.explain("le bénéficiaire a donné une autre facture")
    keep_screenshot(maker.page, "maker-retries")
    maker.press("Relancer")
    maker.must_read("relancé")
    keep_screenshot(maker.page, "maker-retried-payment")
    assert Disbursement.objects.get(pk=world.failed.pk).state == "processing"

    maker.choose("Tours et paiements", "Groupes")
    maker.click("pikine")
    maker.click("Proposer la vérification")
    maker.explain("pièces vues au siège")
    maker.press("Proposer la vérification")
    keep_screenshot(maker.page, "maker-proposed-verification")
    proposal = Proposal.objects.get(kind="group_verification", subject_id="pikine")
    assert (proposal.state, proposal.reason) == ("open", "pièces vues au siège")

    maker.open_first_page()
    maker.click(f"Brouillon {world.draft.pk} de awa")
    maker.page.get_by_label("Note").fill("moins cher dès janvier")
    keep_screenshot(maker.page, "maker-draft")
    maker.save()
    maker.must_read("a été modifié")
    world.draft.refresh_from_db()
    assert world.draft.note == "moins cher dès janvier"
    assert maker.complaints == []


def test_checker_approves_from_the_first_page(
    chromium: BrowserContext, live_server: LiveServer, world: World
) -> None:
    checker = session_of(chromium, live_server, Role.APPROVER)

    checker.open_first_page()
    keep_screenshot(checker.page, "checker-first-page")
    checker.in_item("Vérifier un groupe (fass)", "Décider")
    checker.must_read("Si vous approuvez")
    keep_screenshot(checker.page, "checker-evidence")
    checker.click("Approuver")
    keep_screenshot(checker.page, "checker-approves")
    checker.press("Approuver")
    world.verification.refresh_from_db()
    assert (world.verification.state, bool(verified_groups(["fass"], clock.now()))) == ("approved", True)

    checker.open_first_page()
    checker.in_item("Enregistrer un cours manuel", "Décider")
    keep_screenshot(checker.page, "checker-rate")
    checker.click("Rejeter")
    checker.explain("le cours est trop loin des sources")
    checker.press("Rejeter")
    world.manual_rate.refresh_from_db()
    assert world.manual_rate.state == "rejected"

    checker.open_first_page()
    assert checker.page.get_by_role("link", name="Décider").count() == 0
    assert checker.complaints == []


def test_auditor_finds_a_payment_and_reads_its_story(
    chromium: BrowserContext, live_server: LiveServer, world: World
) -> None:
    auditor = session_of(chromium, live_server, Role.AUDITOR)

    auditor.open_first_page()
    keep_screenshot(auditor.page, "auditor-first-page")
    auditor.page.get_by_role("searchbox").first.fill("demo-cycle")
    auditor.page.keyboard.press("Enter")
    auditor.page.wait_for_url("**/cycle/demo-cycle/**")
    auditor.must_read("Payée en totalité")
    keep_screenshot(auditor.page, "auditor-cycle")
    assert auditor.page.locator("#content").get_by_role("link", name="Relancer").count() == 0

    auditor.page.locator("#content").get_by_role("link", name=f"paiement n° {world.paid.pk}").first.click()
    auditor.must_read("Le bénéficiaire est payé")
    keep_screenshot(auditor.page, "auditor-payment")
    assert auditor.complaints == []


def test_operator_slows_a_task_and_pauses_what_leaves(
    chromium: BrowserContext, live_server: LiveServer, world: World
) -> None:
    operator = session_of(chromium, live_server, Role.OPERATOR)

    operator.open_first_page()
    keep_screenshot(operator.page, "operator-first-page")
    operator.choose("Technique", "Tâches programmées")
    operator.click("relevé des avoirs anciens")
    operator.page.get_by_label("Combien").fill("2")
    keep_screenshot(operator.page, "operator-task")
    operator.save()
    keep_screenshot(operator.page, "operator-saved")

    operator.choose("Contrôle", "Interrupteurs")
    operator.click("Suspendre les sorties d’argent")
    operator.explain("le nœud répond mal")
    keep_screenshot(operator.page, "operator-pauses")
    operator.press("Suspendre les sorties d’argent")
    operator.open_first_page()
    operator.must_read("le nœud répond mal")
    keep_screenshot(operator.page, "operator-paused")
    assert operator.complaints == []


def test_checker_approves_by_keyboard_alone(
    chromium: BrowserContext, live_server: LiveServer, world: World
) -> None:
    checker = session_of(chromium, live_server, Role.APPROVER)
    checker.open_first_page()

    checker.tab_to("Aller au contenu")
    checker.page.keyboard.press("Enter")
    checker.tab_to("Décider")
    checker.page.keyboard.press("Enter")
    checker.must_read("Si vous approuvez")
    checker.tab_to("Approuver")
    checker.page.keyboard.press("Enter")
    checker.page.wait_for_url("**/actions/approve/**")
    checker.tab_to("Approuver")
    checker.page.keyboard.press("Enter")

    checker.must_read("approuvée")
    checker.tab_to("Contrôle")
    checker.page.keyboard.press("Enter")
    checker.tab_to("Piste d’audit")
    checker.page.keyboard.press("Enter")
    checker.page.wait_for_url("**/trailentry/")
    world.verification.refresh_from_db()
    assert world.verification.state == "approved"
    assert checker.complaints == []
