"""What entries of the trail say happened: each has a sentence, of one app, and a reason only of who gave it."""

import ast
from collections.abc import Callable, Iterator
from functools import cache

import pytest
from django.utils import translation
from pytest_django import Settings

from fees.queries import forget_schedules
from sunusav import app_list
from sunusav.core import phrasing
from sunusav.core.app_modules import collect, collect_mapping
from sunusav.core.models import TrailEntry
from sunusav.core.subjects import kind_name
from tests.architecture.answer_fields import MESSAGES
from tests.architecture.code import ROOT
from tests.architecture.trail_cases import CASES
from transfers.collectors import collector
from transfers.rails import rail


@pytest.fixture
def plugins(settings: Settings) -> Iterator[None]:
    settings.PARTNERS = ["wave"]
    settings.RAILS = {
        "lightning": "tests.transfers.rails.SteeredRail", "wave": "tests.fakes.franc_rail.ScriptedWaveRail",
    }  # fmt: skip
    settings.COLLECTORS = {
        "lightning": "tests.transfers.rails.SteeredCollector",
        "wave": "tests.transfers.rails.OtherSteeredCollector",
    }
    forgets: list[Callable[[], None]] = [rail.cache_clear, collector.cache_clear, forget_schedules]
    for forget in forgets:
        forget()
    yield
    for forget in forgets:
        forget()


@pytest.mark.django_db
@pytest.mark.parametrize("service", sorted(CASES))
@pytest.mark.usefixtures("plugins")
def test_every_line_of_a_service_has_its_sentence_and_only_its_persons_reason(service: str) -> None:
    CASES[service]()()

    for entry in TrailEntry.objects.all():
        kind = kind_name(entry.subject)
        key = phrasing.event_key(kind, entry.action)
        assert key, f"{entry.subject} {entry.action} has no sentence in EVENTS"
        assert set(phrasing.facts_in_event(kind, entry.action)) <= {*entry.facts, "what"}, entry.action
        if "proposal" in entry.facts and not key.startswith("proposal."):
            assert entry.reason == "", f"{entry.action}: the reason is the proposer's, not the approver's"


# The engine writes these in states that no single service leads to.
OF_THE_ENGINE = [
    ("disbursement", "send_again"), ("disbursement", "refuse_destination"), ("disbursement", "paid_outside_books"),
    ("disbursement", "hold_back"), ("rail", "stop_rail"), ("rail", "try_rail"), ("rail", "resume_rail"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "action"), OF_THE_ENGINE)
def test_every_line_of_the_engine_has_its_sentence(kind: str, action: str) -> None:
    assert phrasing.event_key(kind, action) == f"{kind}.{action}"


def test_every_action_that_is_written_has_a_sentence() -> None:
    said = {name.rpartition(".")[2] for name in _events()}

    assert sorted(action for action in _actions() if action not in said) == []


def test_every_sentence_is_of_an_action_that_its_app_writes_about_its_subject_or_one_below() -> None:
    """An app phrases what it writes itself. Of the subjects of others, it phrases only what it does to them."""
    owners = _owners_of_kinds()
    wrong = []
    for module in app_list.submodules("phrases"):
        app = module.__name__.removesuffix(".phrases")
        for name in getattr(module, "EVENTS", {}):
            kind, _dot, action = name.rpartition(".")
            is_own = not kind or kind == "proposal" or owners[kind] == app
            if not (is_own or action in _constants(app)):
                wrong.append(name)

    assert wrong == []


def test_no_two_apps_phrase_the_same_action_of_a_subject() -> None:
    names = [name for module in app_list.submodules("phrases") for name in getattr(module, "EVENTS", {})]

    assert sorted(names) == sorted(set(names))


def test_sentences_are_translated() -> None:
    texts = {str(text) for text in _events().values()}
    with translation.override("fr"):
        assert {str(text) for text in _events().values()} & texts == set()


def test_event_without_a_sentence_is_the_label_of_its_action() -> None:
    assert phrasing.event("rail", "propose", {}) == "propose"
    assert phrasing.event("nothing", "no_such_action", {}) == "no such action"


def test_event_whose_facts_are_missing_is_the_label_of_its_action() -> None:
    """Entries that were written before an action had such a fact."""
    assert phrasing.event("payment_limit", "set_limit", {"version": 2}) == "set limit"


def test_proposal_is_named_in_what_is_said_about_it() -> None:
    assert phrasing.event("manual_rate", "propose", {}) == "Proposed: Record a manual rate"


@pytest.mark.parametrize(
    ("kind", "action", "to_state", "tone"),
    [
        ("collection", "open", "open", ""), ("withdrawal", "open", "open", ""),
        ("collection", "receive_part", "partial", ""),
        ("disbursement", "see_attempt", "in_flight", ""), ("manual_rate", "propose", "open", ""),
        ("disbursement", "review", "needs_review", "attention"), ("rail", "stop_rail", "open", "attention"),
        ("switch", "pause", "paused", "attention"), ("disbursement", "paid_outside_books", "", "bad"),
        ("disbursement", "complete", "completed", "good"), ("disbursement", "fail", "failed", "bad"),
    ],
)  # fmt: skip
def test_mark_of_a_line_asks_for_attention_only_where_something_is_wrong(
    kind: str, action: str, to_state: str, tone: str
) -> None:
    assert phrasing.event_tone(kind, action, to_state) == tone


def test_every_tone_of_an_event_is_of_one_that_has_a_sentence() -> None:
    assert sorted(set(collect_mapping("phrases", "EVENT_TONES")) - set(_events())) == []


def test_every_message_to_the_platform_has_its_phrase() -> None:
    assert sorted(collect_mapping("phrases", "TOPICS")) == sorted(MESSAGES)

    assert phrasing.topic_label("disbursement.completed") == "payment completed"
    with translation.override("fr"):
        assert phrasing.topic_label("disbursement.completed") == "paiement terminé"


def _events() -> dict[str, object]:
    return {
        name: text
        for module in app_list.submodules("phrases")
        for name, text in getattr(module, "EVENTS", {}).items()
    }


def _owners_of_kinds() -> dict[str, str]:
    owners: dict[str, str] = {}
    for module in app_list.submodules("subjects"):
        owners |= {kind.kind: module.__name__.removesuffix(".subjects") for kind in module.SUBJECT_KINDS}
    for item in collect("approvables", "APPROVABLES"):
        module_name = item.describe.__module__
        owner = next(app for app in app_list.production_apps() if module_name.startswith(f"{app}."))
        owners.setdefault(item.kind, owner)
    return owners


def _actions() -> set[str]:
    """Return the texts that production code passes as the action of an entry of the trail."""
    found: set[str] = set()
    for app in app_list.production_apps():
        for node in _nodes(app):
            if isinstance(node, ast.Call) and _writes_to_the_trail(node):
                found |= {
                    str(keyword.value.value)
                    for keyword in node.keywords
                    if keyword.arg == "action" and isinstance(keyword.value, ast.Constant)
                }
    return found


def _writes_to_the_trail(node: ast.Call) -> bool:
    name = ast.unparse(node.func).rpartition(".")[2]
    return name in {
        "record",
        "move",
        "move_all",
        "move_attempt",
        "move_disbursement",
        "mark_ready",
        "TrailFact",
    }


@cache
def _nodes(app: str) -> tuple[ast.AST, ...]:
    modules = [
        path for path in (ROOT / app.replace(".", "/")).rglob("*.py") if "migrations" not in path.parts
    ]
    return tuple(node for path in modules for node in ast.walk(ast.parse(path.read_text())))


@cache
def _constants(app: str) -> frozenset[str]:
    return frozenset(
        node.value for node in _nodes(app) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
