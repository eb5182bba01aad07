"""Subjects in the back office: what people call them, a link to their page, and the subject itself on hover."""

import pytest
from django.contrib import admin
from django.utils import translation

from sunusav.backoffice.facts import readable
from sunusav.backoffice.refusals import show_refusal
from sunusav.backoffice.sections import show_subject
from sunusav.core.roles import Role
from sunusav.core.subjects import known_kinds
from sunusav.core.transitions import StateChanged
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("cycle:demo", '<a href="/admin/payouts/cycle/demo/change/" title="cycle:demo">cycle demo</a>'),
        (
            "disbursement:42",
            '<a href="/admin/transfers/disbursement/42/change/" title="disbursement:42">disbursement 42</a>',
        ),
        ("user:awa", '<span title="user:awa">user awa</span>'),
        (
            "group_verification:demo",
            '<a href="/admin/payouts/group/demo/change/" title="group_verification:demo">Verify a group (demo)</a>',
        ),
        ("node", "node"),
        ("tree:<b>", "tree:<b>"),
        ("user:<b>", '<span title="user:&lt;b&gt;">user &lt;b&gt;</span>'),
    ],
)
def test_show_subject_names_it_and_links_to_its_page(subject: str, shown: str) -> None:
    assert show_subject(subject) == shown


def test_show_subject_is_in_the_language_of_the_reader() -> None:
    with translation.override("fr"):
        assert show_subject("user:awa") == '<span title="user:awa">utilisateur awa</span>'


def test_facts_and_refusals_name_subjects_in_the_language_of_the_reader() -> None:
    refusal = StateChanged(subject="contribution:17", expected_state="open")

    with translation.override("fr"):
        assert readable({"subject": "contribution:17"}) == [("Objet", "cotisation n° 17")]
        assert show_refusal(refusal).sentence.startswith("cotisation n° 17 a été modifié")


def test_every_page_of_a_kind_is_a_model_of_the_admin() -> None:
    known = {model._meta.label_lower for model in admin.site._registry}

    assert sorted({kind.page for kind in known_kinds().values() if kind.page} - known) == []


@pytest.mark.django_db
def test_trail_shows_the_label_and_finds_the_subject(world: World, enter: Enter) -> None:
    client = enter(Role.AUDITOR)

    page = client.get("/admin/core/trailentry/", {"q": "cycle:demo-cycle"}).content.decode()

    assert (
        '<a href="/admin/payouts/cycle/demo-cycle/change/" title="cycle:demo-cycle">cycle demo-cycle</a>'
        in page
    )
