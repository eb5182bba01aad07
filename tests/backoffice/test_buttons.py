"""In a real browser, in French: every action of the back office is pressed by a person who may take it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import translation
from playwright.sync_api import BrowserContext, FilePayload, Locator, Page, Response
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from sunusav.backoffice.actions import Action
from sunusav.backoffice.decisions import evidence_of
from sunusav.backoffice.forms import TYPED
from sunusav.core.models import Proposal, TrailEntry, User
from sunusav.core.roles import Role, roles_with
from tests.backoffice.presses import PRESSES, Press
from tests.backoffice.world import make_world, person
from tests.factories.attachments import PDF
from tests.support.browser import IN_BROWSER, chromium, complaints_of, log_in
from transfers.rails import rail

__all__ = ["chromium"]
REASON = "pièces vues au siège"
PROPOSED = "proposé ; une autre personne doit approuver"
MESSAGE, REFUSAL = ".bg-green-100", ".errornote, .errorlist, .bg-orange-100"


def offered() -> Iterator[tuple[str, Any, Action]]:
    for model, model_admin in admin.site._registry.items():
        for action in getattr(model_admin, "actions_offered", ()):
            yield f"{model._meta.label_lower} {action.slug}", model_admin, action


def test_every_action_has_a_press() -> None:
    assert sorted(PRESSES) == sorted(key for key, _model_admin, _action in offered())


@dataclass
class Presser:
    """A browser in which one person after another presses a button; `failures` says what went wrong."""

    page: Page
    live_server: LiveServer
    complaints: list[str]
    failures: list[str] = field(default_factory=list)

    def enter(self, user: User) -> None:
        log_in(self.page.context, user, self.live_server)

    def open(self, path: str) -> None:
        self.page.goto(self.live_server.url + path, wait_until="domcontentloaded")

    def watch(self, answer: Response) -> None:
        if answer.status >= 400 and not answer.url.endswith("/favicon.ico"):
            self.failures.append(f"{answer.url}: {answer.status}")

    def link(self, name: str) -> Locator:
        return self.page.locator("#content").get_by_role("link", name=name, exact=True)

    def asks(self, name: str) -> bool:
        return bool(self.page.locator(f".confirm [name={name}]").count())

    def fill(self, typed: dict[str, str]) -> None:
        """Type into each field of the form that has something to type; choose where it is a list, files first."""
        for name, text in sorted(typed.items(), key=lambda one: not self.is_file(one[0])):
            found = self.page.locator(f".confirm [name={name}]")
            if found.evaluate("field => field.tagName") == "SELECT":
                found.select_option(text)
            elif self.is_file(name):
                self.choose(found, _file(text))
            else:
                found.fill(text)

    def is_file(self, name: str) -> bool:
        return self.page.locator(f".confirm [name={name}]").get_attribute("type") == "file"

    def choose(self, field: Locator, file: FilePayload) -> None:
        """Choose a file; no script of the page writes into what a person types."""
        texts = self.page.locator(".confirm input[type=text]:visible")
        before = [one.input_value() for one in texts.all()]
        field.set_input_files(file)
        after = [one.input_value() for one in texts.all()]
        if after != before:
            raise AssertionError(f"the file changed {before} to {after}")

    def confirm(self) -> None:
        with self.page.expect_navigation(wait_until="domcontentloaded"):
            self.page.locator("#content button.deed").click()

    def read(self, selector: str) -> str:
        return " ".join(self.page.locator(selector).all_inner_texts())

    def must_read(self, text: str) -> None:
        messages = self.read(MESSAGE)
        if text not in messages:
            raise AssertionError(
                f"says {messages!r}, not {text!r}; refusals: {self.read(REFUSAL)!r} on {self.page.url}"
            )

    def must_be_content(self) -> None:
        if found := [*self.failures, *self.complaints]:
            pytest.fail("\n".join(found), pytrace=False)


def _file(text: str) -> FilePayload:
    """Return a document of that name, or a statement with that content."""
    if text.endswith(".pdf"):
        return FilePayload(name=text, mimeType="application/pdf", buffer=PDF)
    return FilePayload(name="fichier.csv", mimeType="text/csv", buffer=text.encode())


@pytest.fixture
def presser(chromium: BrowserContext, live_server: LiveServer, settings: Settings) -> Presser:
    # The account of one that has no settlement: a new account voids what was proposed for the old one.
    settings.PARTNERS = ["wave", "orange"]
    settings.RAILS = {
        "lightning": "tests.transfers.rails.SteeredRail",
        **dict.fromkeys(settings.PARTNERS, "tests.fakes.franc_rail.ScriptedWaveRail"),
    }
    rail.cache_clear()
    page = chromium.new_page()
    complaints = complaints_of(page)
    presser = Presser(page, live_server, complaints)
    page.on("response", presser.watch)
    return presser


class TestButtons:
    pytestmark = IN_BROWSER

    @pytest.mark.parametrize("is_of_transfers", [True, False], ids=["transfers", "others"])
    def test_every_action_is_pressed_and_says_what_it_did(
        self, presser: Presser, *, is_of_transfers: bool
    ) -> None:
        presses = {
            key: press for key, press in PRESSES.items() if key.startswith("transfers.") == is_of_transfers
        }
        world = make_world()
        rows = {key: press.make(world) if press.make else None for key, press in presses.items()}
        actions = {key: (model_admin, action) for key, model_admin, action in offered()}

        for key, press in presses.items():
            model_admin, action = actions[key]
            try:
                _press(presser, press, model_admin, action, rows[key])
            except Exception as error:  # noqa: BLE001  (all failures are shown together)
                presser.failures.append(f"{key}: {error} at {presser.page.url}")
        presser.enter(person(f"a-{Role.APPROVER}", Role.APPROVER))
        for proposal in Proposal.objects.filter(state="open").order_by("-pk"):
            try:
                _approve(presser, proposal)
            except Exception as error:  # noqa: BLE001  (all failures are shown together)
                presser.failures.append(f"approve {proposal.kind}: {error} at {presser.page.url}")

        presser.must_be_content()


def _press(presser: Presser, press: Press, model_admin: Any, action: Action, row: Any) -> None:
    lines = TrailEntry.objects.count()
    presser.enter(_presser_of(press, action, row))
    with translation.override("fr"):
        label, done = str(action.label), press.shows or str(action.done)
    _open_confirmation(presser, press, model_admin, row, label)
    typed = {**press.typed, **(press.typed_for(row) if press.typed_for else {})}
    presser.fill({name: text for name, text in typed.items() if name != TYPED})
    if presser.asks("reason"):
        presser.fill({"reason": REASON})
    if action.slug == "export":
        with presser.page.expect_download():
            presser.page.locator("#content button.deed").click()
        return
    presser.confirm()
    if TYPED in press.typed:
        presser.fill({TYPED: press.typed[TYPED]})
        presser.confirm()
    if press.shows:
        presser.page.locator("#content").get_by_text(done).first.wait_for()
    else:
        presser.must_read(done)
    assert TrailEntry.objects.count() > lines, "nothing in the trail"
    if done == PROPOSED and row is not None and not press.is_repeatable:
        assert presser.link(label).count() == 0, "offers to propose the same again"


def _approve(presser: Presser, proposal: Proposal) -> None:
    """Approve what another person proposed, after what the page shows of it."""
    evidence = evidence_of(proposal)
    presser.open(f"/admin/core/proposal/actions/approve/?pk={proposal.pk}")
    if evidence and evidence.typed:
        presser.fill({TYPED: evidence.typed.figure})
    presser.confirm()
    presser.must_read("approuvé")


def _presser_of(press: Press, action: Action, row: Any) -> User:
    if press.by:
        return User.objects.get(username=press.by)
    role = Role(roles_with([action.permission_on(row)])[0])
    return person(f"a-{role}", role)


def _open_confirmation(presser: Presser, press: Press, model_admin: Any, row: Any, label: str) -> None:
    """Go to the page with the button, and press it there."""
    if row is None:
        presser.open(model_admin.list_url())
        presser.link(f"{label} : {press.named}" if press.named else label).click()
    elif model_admin.list_display_links is None:
        presser.open(model_admin.list_url())
        presser.link(label).click()
    else:
        presser.open(
            reverse(f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}_change", args=[row.pk])
        )
        presser.link(label).first.click()
    presser.page.locator(".confirm").wait_for()
