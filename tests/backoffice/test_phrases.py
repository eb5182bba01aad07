"""The back office is complete in French: every text, every name of a model or field, every phrase of an app."""

import ast
import gettext
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.db import models
from django.utils import translation
from django.utils.functional import Promise

from lightning.bolt11.errors import Bolt11Error
from lightning.proto import lightning_pb2
from sunusav import app_list
from sunusav.backoffice.admins import BackofficeAdmin
from sunusav.backoffice.columns import badge
from sunusav.backoffice.refusals import show_refusal
from sunusav.core import approvals, phrasing, second_factor, switches
from sunusav.core.app_modules import collect, collect_mapping
from sunusav.core.errors import DomainError
from transfers import errors as transfer_errors

ROOT = Path(settings.BASE_DIR)
TRANSLATING = {"_", "gettext", "gettext_lazy", "gettext_noop", "pgettext", "pgettext_lazy"}
CATALOGUE = Path(settings.LOCALE_PATHS[0]) / "fr" / "LC_MESSAGES"
OURS = {"core", "ledger", "fees", "transfers", "payouts", "lightning"}
# Codes and facts that nothing writes any more; rows stored before this version may hold them.
NO_LONGER_WRITTEN: dict[str, str] = {
    "expire_seconds": "edits of schedules from before their form spoke of times",
    "remove_totp_device": "the trail of before two people reset a device",
    "value_sha256": "the trail of before destinations were encrypted",
    "destination_sha256": "proposals of before destinations were encrypted",
}
# `method` of a node's evidence is shown under this name.
SHOWN_UNDER_ANOTHER_NAME = {"call"}


@pytest.fixture(scope="module")
def french() -> Any:
    with (CATALOGUE / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def test_every_text_in_the_code_is_in_the_catalogue(french: Any) -> None:
    texts = set(_texts_of_modules()) | set(_texts_of_templates())

    assert len(texts) > 200
    assert sorted(text for text in texts if text not in french._catalog) == []


def _texts_of_modules() -> Iterator[str]:
    apps = [ROOT / app.replace(".", "/") for app in app_list.production_apps()]
    modules = [module for app in apps for module in app.rglob("*.py")]
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TRANSLATING:
                parts = [str(part.value) for part in node.args if isinstance(part, ast.Constant)]
                yield from ["\x04".join(parts)] if parts else []


def _texts_of_templates() -> Iterator[str]:
    for template in (ROOT / "templates").rglob("*.html"):
        yield from re.findall(r'{% translate ["\']([^"\']+)["\'] %}', template.read_text())


def test_no_text_is_untranslated_or_fuzzy() -> None:
    blocks = (CATALOGUE / "django.po").read_text().split("\n\n")[1:]

    assert [block for block in blocks if "#, fuzzy" in block or block.startswith("#~")] == []
    assert [block for block in blocks if re.search(r'^msgstr(\[\d\])? ""$', block, re.MULTILINE)] == []


def test_french_texts_have_the_apostrophe_of_french_print() -> None:
    translations = re.findall(
        r'^msgstr(?:\[\d\])? "(.*)"$', (CATALOGUE / "django.po").read_text(), re.MULTILINE
    )

    assert len(translations) > 1000
    assert [text for text in translations if re.search(r"\w'\w", text)] == []


def test_compiled_catalogue_equals_its_source(french: Any) -> None:
    written = (CATALOGUE / "django.po").read_text()
    texts = re.findall(r'^msgid "(.+)"\nmsgstr "(.+)"$', written, re.MULTILINE)
    without_context = [pair for pair in texts if f'"\nmsgid "{pair[0]}"' not in written]

    assert len(without_context) > 300
    assert [
        text for text, french_text in without_context if french.gettext(_plain(text)) != _plain(french_text)
    ] == []


def _plain(text: str) -> str:
    return text.replace('\\"', '"')


def test_every_name_shown_in_the_back_office_is_translated(french: Any) -> None:
    shown = {name for model, model_admin in _registered() for name in _names(model, model_admin)}

    assert len(shown) > 150
    assert sorted(name for name in shown if name not in french._catalog) == []


def test_every_choice_shown_in_the_back_office_has_a_label() -> None:
    codes = {
        (field.name, str(value))
        for model, model_admin in _registered()
        for field in _shown_fields(model, model_admin)
        for value, _ in field.flatchoices or ()
    }

    assert len(codes) > 50
    known = {
        (of, code) for of, code in codes if phrasing.known_label(f"{of}.{code}") or phrasing.known_label(code)
    }
    assert sorted(codes - known) == []


def _registered() -> Iterator[tuple[Any, Any]]:
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label in OURS and model._meta.model_name != "user":
            yield model, model_admin


def _names(model: Any, model_admin: BackofficeAdmin) -> Iterator[str]:
    with translation.override(None):
        yield str(model._meta.verbose_name)
        yield str(model._meta.verbose_name_plural)
        yield str(model._meta.app_config.verbose_name)
        for field in _shown_fields(model, model_admin):
            yield str(field.verbose_name)


def _shown_fields(model: Any, model_admin: BackofficeAdmin) -> Iterator[Any]:
    names = {*model_admin.list_display, *(model_admin.fields or ()), *model_admin.card_fields}
    for field in model._meta.get_fields():
        if isinstance(field, models.Field) and (field.name in names or not model_admin.fields):
            yield field if not _is_hidden(field) else model._meta.pk


def _is_hidden(field: Any) -> bool:
    return bool(field.generated) or field.get_internal_type() == "BinaryField"


def test_names_of_models_are_in_the_language_of_the_reader() -> None:
    for model, _ in _registered():
        assert isinstance(model._meta.verbose_name, Promise)
    paid = next(model for model, _ in _registered() if model._meta.label_lower == "transfers.disbursement")
    with translation.override("fr"):
        assert (str(paid._meta.verbose_name), str(paid._meta.verbose_name_plural)) == (
            "paiement",
            "paiements",
        )
    with translation.override("en"):
        assert str(paid._meta.verbose_name) == "disbursement"


def test_every_kind_of_proposal_has_its_label_and_its_page() -> None:
    kinds = {item.kind for item in collect("approvables", "APPROVABLES")}

    assert sorted(kinds - set(collect_mapping("phrases", "PROPOSALS"))) == []
    assert sorted(kinds - set(collect_mapping("backoffice", "PROPOSAL_PAGES"))) == []


def test_every_subject_page_is_a_model_of_the_admin() -> None:
    known = {model._meta.label_lower for model in admin.site._registry}

    assert sorted(set(collect_mapping("backoffice", "PROPOSAL_PAGES").values()) - known) == []


def test_apps_give_a_code_of_one_spelling_one_label() -> None:
    """Labels of all apps are merged: two different labels of one code would depend on the layer order."""
    labels: dict[str, set[str]] = {}
    for module in app_list.submodules("phrases"):
        for code, label in getattr(module, "LABELS", {}).items():
            with translation.override("fr"):
                labels.setdefault(_normal(code), set()).add(str(label))

    assert {code: found for code, found in labels.items() if len(found) > 1} == {}


def test_every_code_with_a_label_is_written_by_its_app_or_one_above() -> None:
    unknown = [
        (app, code)
        for app in app_list.production_apps()
        for code in _named(app, "LABELS")
        if _normal(code.rpartition(".")[2]) not in _codes_from(app)
    ]

    assert unknown == []


def test_every_fact_with_a_label_is_written_by_its_app_or_one_above() -> None:
    unknown = [
        (app, name)
        for app in app_list.production_apps()
        for name in _named(app, "FACTS") - SHOWN_UNDER_ANOTHER_NAME
        if not any(_normal(name + unit) in _codes_from(app) for unit in ("", *phrasing.UNITS))
    ]

    assert unknown == []


def _named(app: str, attribute: str) -> set[str]:
    modules = {module.__name__: module for module in app_list.submodules("phrases")}
    return set(getattr(modules.get(f"{app}.phrases"), attribute, ())) - set(NO_LONGER_WRITTEN)


@cache
def _codes_from(app: str) -> set[str]:
    """Return the text constants in an app's modules and in those of the layers above it."""
    codes = set(_codes_of_libraries()) if app == "lightning" else set()
    for layer in app_list.LAYERS:
        codes.update(*map(_constants, [app] if app in layer else layer))
        if app in layer:
            break
    return codes


def _codes_of_libraries() -> Iterator[str]:
    """Return codes that lightning makes from names: LND's failure reasons, and one per error of the BOLT 11 codec."""
    for name in lightning_pb2.PaymentFailureReason.keys():  # noqa: SIM118  (not iterable itself)
        yield _normal(name.removeprefix("FAILURE_REASON_"))
    yield from map(_normal, lightning_pb2.Failure.FailureCode.keys())
    yield from (_normal(kind("").reason) for kind in _subclasses(Bolt11Error))


@cache
def _constants(app: str) -> frozenset[str]:
    modules = [
        module
        for module in (ROOT / app.replace(".", "/")).rglob("*.py")
        if "migrations" not in module.parts and module.name != "phrases.py"
    ]
    nodes = (node for module in modules for node in ast.walk(ast.parse(module.read_text())))
    return frozenset(
        _normal(node.value)
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _normal(code: str) -> str:
    return phrasing._readable(code).lower()


def _refusals(*modules: Any) -> Iterator[type[DomainError]]:
    for module in modules:
        for item in vars(module).values():
            if (
                isinstance(item, type)
                and issubclass(item, DomainError)
                and item.__module__ == module.__name__
            ):
                yield item


def test_every_refusal_of_the_back_office_has_its_phrase() -> None:
    raised = {refusal.code for refusal in _refusals(approvals, second_factor, switches)}
    raised |= {"disbursement-not-retryable", "disbursement-not-cancellable", "payment-reference-used"}
    raised |= {
        "attempt-not-open", "disbursement-not-under-review", "order-still-payable", "evidence-too-old",
        "outside-says-otherwise", "resolution-missing", "resolution-needs-proof",
        "resolution-cost-out-of-range", "resolution-needs-explanation",
    }  # fmt: skip

    assert sorted(raised - set(collect_mapping("phrases", "REFUSALS"))) == []


def _subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    for child in kind.__subclasses__():
        yield child
        yield from _subclasses(child)


def test_every_phrase_names_only_facts_of_its_refusal() -> None:
    known = {kind.code: kind for kind in _subclasses(DomainError)}
    phrases = collect_mapping("phrases", "REFUSALS")
    assert sorted(set(phrases) - set(known)) == []

    for code, texts in phrases.items():
        facts = dict.fromkeys(known[code].fact_names(), "x")
        for language in ("en", "fr"):
            with translation.override(language):
                for text in texts:
                    assert str(text) % facts


def test_refusal_is_shown_with_its_next_step_and_its_code() -> None:
    refusal = transfer_errors.DisbursementNotCancellable(
        disbursement_id=7, state="completed", why="it is closed"
    )

    with translation.override("fr"):
        phrase = show_refusal(refusal)

    assert phrase.sentence == "Le paiement n° 7 (terminé) ne peut pas être annulé : il est clos."
    assert phrase.text.endswith("[disbursement-not-cancellable]")


def test_refusal_without_a_phrase_is_shown_by_its_code_and_facts() -> None:
    refusal = transfer_errors.ClaimLost(disbursement_id=7)

    assert show_refusal(refusal).text == "Claim lost (disbursement_id=7). [claim-lost]"


# Tones


def test_every_tone_is_of_a_labelled_state_and_in_the_stylesheet() -> None:
    stylesheet = (ROOT / "sunusav/backoffice/static/backoffice/backoffice.css").read_text()
    tones = collect_mapping("phrases", "TONES")

    assert [state for state in tones if not phrasing.known_label(state)] == []
    assert [tone for tone in set(tones.values()) if f".badge[data-tone={tone}]" not in stylesheet] == []


@pytest.mark.parametrize(("state", "tone"), [("completed", "good"), ("failed", "bad"), ("scheduled", "")])
def test_badge_of_a_state_has_its_tone(state: str, tone: str) -> None:
    expected = f'<span class="badge" data-value="{state}" data-tone="{tone}">a label</span>'
    assert badge(state, "a label") == expected
