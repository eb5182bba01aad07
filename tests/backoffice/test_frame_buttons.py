"""In a real browser, in French: the buttons that are no actions — of lists, forms, the account and the frame."""

from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from fees.models import FeeScheduleDraft
from sunusav.core import clock
from sunusav.core.models import Proposal, StaffSession, User
from sunusav.core.roles import Role
from tests.backoffice.test_content_policy import PASSWORD
from tests.backoffice.world import World, make_world, person
from tests.factories.users import make_session
from tests.support.browser import IN_BROWSER, chromium, complaints_of, log_in

__all__ = ["chromium"]
pytestmark = IN_BROWSER

PAYMENTS, DRAFTS, PEOPLE = (
    "/admin/transfers/disbursement/",
    "/admin/fees/feescheduledraft/",
    "/admin/core/user/",
)
MOST_TABS = 80
# The grounds of menus, which a click closes as Escape does.
BY_MOUSE_ALONE = """
[...document.querySelectorAll('[x-on\\\\:click]')]
  .filter(one => one.tabIndex < 0 && !['changelist-filter-close', 'sidebar-close'].includes(one.id))
  .map(one => one.outerHTML.slice(0, 160))
"""


class Browser:
    """One page of one person after the other, and what the browser complains about."""

    def __init__(self, context: BrowserContext, server: LiveServer) -> None:
        self.page: Page = context.new_page()
        self.complaints = complaints_of(self.page)
        self.page.set_default_timeout(6_000)
        self.server = server

    def enter(self, user: User) -> None:
        log_in(self.page.context, user, self.server)

    def open(self, path: str) -> None:
        self.page.goto(self.server.url + path, wait_until="load")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name, exact=True).first.click()

    def must_read(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()

    def tab_to(self, name: str) -> None:
        """Press Tab until the button or link of this name has the focus, then Enter."""
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            if name in str(self.page.evaluate("document.activeElement.innerText")):
                self.page.keyboard.press("Enter")
                return
        raise AssertionError(f"no Tab leads to {name}")

    def rows(self) -> int:
        return self.page.locator("#result_list tbody tr").count()


def test_buttons_of_lists_and_forms(chromium: BrowserContext, live_server: LiveServer) -> None:
    world, browser = make_world(), Browser(chromium, live_server)

    browser.enter(person("a-finance", Role.FINANCE))
    _filters_a_list(browser)
    _acts_on_chosen_rows(browser, world)
    _saves_a_draft(browser, world)
    browser.enter(User.objects.create_superuser("root"))
    _adds_and_changes_a_person(browser)

    assert browser.complaints == []


def _filters_a_list(browser: Browser) -> None:
    """Filter by keyboard, save the filter, take it back, open it again by its name, delete it."""
    browser.open(PAYMENTS)
    assert browser.page.evaluate(BY_MOUSE_ALONE) == []
    browser.tab_to("Filtres")
    browser.follow("échec")
    browser.page.wait_for_url("**state__exact=failed**")
    assert browser.rows() == 1
    browser.page.get_by_label("Enregistrer ce filtre sous").fill("à réparer")
    browser.press("Enregistrer")
    browser.must_read("à réparer")
    browser.press("Filtres")
    browser.follow("Effacer tous les filtres")
    expect(browser.page.locator("#result_list tbody tr")).to_have_count(2)
    browser.follow("à réparer")
    expect(browser.page.locator("#result_list tbody tr")).to_have_count(1)
    browser.press("Supprimer le filtre à réparer")
    expect(browser.page.get_by_role("link", name="à réparer")).to_have_count(0)

    browser.open(PAYMENTS)
    browser.press("Filtres")
    amounts = browser.page.locator(".range-filter").first
    amounts.locator("input[type=number], input[type=text]").first.fill("1000000")
    amounts.get_by_role("button").click()
    expect(browser.page.locator("#result_list tbody tr")).to_have_count(0)


def _acts_on_chosen_rows(browser: Browser, world: World) -> None:
    """Choose all rows: those that do not accept the action are named and left out."""
    browser.open(PAYMENTS)
    browser.page.locator("#action-toggle").check()
    browser.page.locator("[name=action]").select_option(label="Annuler le paiement")
    browser.press("Exécuter")
    browser.must_read("cette action n’est pas possible maintenant")
    browser.page.get_by_label("Motif").fill("doublon")
    browser.press("Annuler le paiement")
    browser.must_read("annulé")


def _saves_a_draft(browser: Browser, world: World) -> None:
    """Add a bracket to a draft and save it in each of the three ways."""
    browser.open(f"{DRAFTS}{world.draft.pk}/change/")
    browser.page.locator("[name=brackets-2-from_sats]").fill("2000000")
    browser.page.locator("[name=brackets-2-base_rate_ppm]").fill("0.4")
    browser.press("Enregistrer et continuer les modifications")
    browser.must_read("a été modifié")
    assert world.draft.brackets.count() == 3
    browser.press("Enregistrer et ajouter un nouveau")
    browser.page.wait_for_url("**/add/")
    browser.page.get_by_label("Note").fill("essai")
    browser.page.locator("[name=effective_at_0]").fill("2099-01-01")
    browser.page.locator("[name=effective_at_1]").fill("00:00:00")
    browser.page.locator("[name=brackets-0-from_sats]").fill("0")
    browser.page.locator("[name=brackets-0-base_rate_ppm]").fill("1")
    browser.press("Enregistrer")
    browser.must_read("a été ajouté")
    assert FeeScheduleDraft.objects.filter(note="essai").count() == 1


def _adds_and_changes_a_person(browser: Browser) -> None:
    browser.open(f"{PEOPLE}add/")
    browser.page.locator("[name=username]").fill("penda")
    for name in ("password1", "password2"):
        browser.page.locator(f"[name={name}]").fill(PASSWORD)
    browser.press("Enregistrer")
    browser.must_read("a été ajouté")
    browser.page.locator("[name=first_name]").fill("Penda")
    browser.page.locator("[name=is_staff]").check()
    browser.press("Enregistrer")
    browser.must_read("a été modifié")
    assert User.objects.get(username="penda").is_staff


def test_buttons_of_the_account_and_the_frame(chromium: BrowserContext, live_server: LiveServer) -> None:
    make_world()
    browser, user = Browser(chromium, live_server), person("a-finance", Role.FINANCE)
    user.set_password(PASSWORD)
    user.save()
    browser.enter(user)

    browser.open("/admin/")
    assert browser.page.evaluate(BY_MOUSE_ALONE) == []
    _chooses_theme_and_language(browser)
    _searches(browser)
    _changes_the_password_and_ends_sessions(browser, user)
    _logs_out(browser)

    assert browser.complaints == []


def _chooses_theme_and_language(browser: Browser) -> None:
    """Reach the menu of the account by Tab, and choose there."""
    browser.tab_to("a-finance")
    browser.press("Sombre")
    assert "dark" in str(browser.page.locator("html").get_attribute("class"))
    browser.open("/admin/")
    assert "dark" in str(browser.page.locator("html").get_attribute("class"))
    browser.page.get_by_role("button", name="a-finance").click()
    browser.press("Clair")
    browser.page.locator("nav").get_by_text("English").click()
    browser.must_read("To do")
    browser.page.get_by_role("button", name="a-finance").click()
    browser.page.locator("nav").get_by_text("Français").click()
    browser.must_read("À traiter")


def _searches(browser: Browser) -> None:
    browser.page.get_by_role("searchbox").first.fill("rien de tel")
    browser.press("Rechercher")
    browser.must_read("Rien n’a été trouvé")
    browser.page.get_by_role("searchbox").first.fill("demo-cycle")
    browser.press("Rechercher")
    browser.page.wait_for_url("**/cycle/demo-cycle/**")


def _changes_the_password_and_ends_sessions(browser: Browser, user: User) -> None:
    browser.open("/admin/")
    browser.page.get_by_role("button", name="a-finance").click()
    browser.follow("Modifier le mot de passe")
    browser.page.locator("[name=old_password]").fill(PASSWORD)
    for name in ("new_password1", "new_password2"):
        browser.page.locator(f"[name={name}]").fill(f"{PASSWORD}-2")
    browser.page.locator("#content-main [type=submit]").click()
    browser.page.wait_for_url("**/password_change/done/")
    for _ in range(3):
        make_session(user, now=clock.now())
    browser.page.get_by_role("button", name="a-finance").click()
    browser.follow("Votre sécurité")
    browser.page.get_by_role("button", name="Mettre fin", exact=True).first.click()
    browser.must_read("La session a pris fin.")
    browser.press("Mettre fin à toutes les autres")
    browser.must_read("Toutes les autres sessions ont pris fin.")
    assert StaffSession.objects.filter(user=user).count() <= 1


def _logs_out(browser: Browser) -> None:
    browser.page.get_by_role("button", name="a-finance").click()
    browser.page.locator("#logout-form button").click()
    browser.page.wait_for_load_state()
    browser.open("/admin/")
    assert "/login/" in browser.page.url
    assert browser.page.evaluate(BY_MOUSE_ALONE) == []
    assert Proposal.objects.exists()  # nothing was undone
