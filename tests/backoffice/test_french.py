"""The walk in French: on every page, what people read is French.

A text that is the same in English and in French is a name, a number, a code of the data, or a word that was not
translated. Every page is read in both languages; what is the same and is none of the first three fails the test.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from sunusav.backoffice.navigation import Area
from sunusav.core.switches import pause_outgoing
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World
from tests.factories.payouts import ACTOR, NOW

UNREAD = {"script", "style", "code", "textarea"}
SPOKEN_ATTRIBUTES = {"aria-label", "placeholder", "title", "alt"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
# Words that are the same in both languages, or names.
SAME_IN_BOTH = {
    "default",
    "payouts",
    "reports",
    "settlements",  # queues
    "esc",
    "pages",
    "versions",
    "dates",
    "exports",
    "export",
    "session",
    "sessions",
    "destinations",
    "iso",
    "alpha",
    "momo",
    "money",
    "bf",
    "bj",
    "ci",
    "ml",
    "action",
    "actions",
    "adresse",
    "africa/dakar",
    "awa",
    "bitcoin",
    "btc",
    "catalogue",
    "cfa",
    "code",
    "conversions",
    "csv",
    "dakar",
    "date",
    "description",
    "destination",
    "digest",
    "f",
    "fcfa",
    "finance",
    "image",
    "index",
    "ip",
    "lightning",
    "lnurl",
    "menu",
    "message",
    "minutes",
    "mtn",
    "n",
    "net",
    "note",
    "notes",
    "orange",
    "page",
    "partition",
    "pause",
    "pdf",
    "position",
    "preimage",
    "qr",
    "reference",
    "rotation",
    "sats",
    "seconds",
    "secondes",
    "service",
    "source",
    "sources",
    "sunusàv",
    "système",
    "total",
    "transactions",
    "transaction",
    "type",
    "url",
    "version",
    "wave",
    "webhooks",
    "xlsx",
    "xof",
    "wallet",
    "fass",
    "medina",
    "tontine",
    "ndiaye",
    "français",
    "english",
    "fr",
    "en",
    "am",
    "pm",
    "min",
    "ii",
    "s",
    "h",
    "id",
    "celery",
    "cron",
    "sn",
    "redis",
    "hops",
    "node",
    "papers",
    "seen",
}
WORD = re.compile(r"[^\W\d_]{2,}(?:['’\-][^\W\d_]+)*")
# What people wrote or named, or members read in the language of the installation; markup in it is shown as text.
DATA = re.compile(
    r"<img src=x onerror=alert\(1\)>|cheaper|papers seen|sources are unavailable|root\b|SunuSàv contribution"
    r"|[a-z]+-[a-z]+\b|platform\b"
)
# Identifiers of rows, codes of permissions, tasks and accounts, addresses, versions: not for translation.
IDENTIFIER = re.compile(r"^[\w.:/@|…+•*%#()\-–→×=,]*[\d_.:/@|…•*#][\w.:/@|…+•*%#()\-–→×=,]*$")


class Reader(HTMLParser):
    """Collects the texts of a page that people read or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: set[str] = set()
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        is_hidden = (
            tag in UNREAD
            or "material-symbols-outlined" in (given.get("class") or "")
            or ("lang" in given and tag != "html")
        )
        if tag not in VOID:
            self._open.append((tag, is_hidden))
        self.texts |= {_plain(value) for name, value in attrs if name in SPOKEN_ATTRIBUTES and value}
        if tag == "input" and given.get("type") in {"submit", "button"}:
            self.texts.add(_plain(given.get("value") or ""))

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            opened, _is_hidden = self._open.pop()
            if opened == tag:
                break

    def handle_data(self, data: str) -> None:
        if data.strip() and not any(is_hidden for _tag, is_hidden in self._open):
            self.texts.add(_plain(data))


def _plain(text: str) -> str:
    return " ".join(text.split())


def _texts(client: Client, url: str, language: str) -> set[str]:
    reader = Reader()
    reader.feed(client.get(url, headers={"accept-language": language}, follow=True).content.decode())
    return reader.texts


def _foreign(text: str) -> list[str]:
    words = [
        word
        for part in DATA.sub(" ", text).split()
        if not IDENTIFIER.match(part)
        for word in WORD.findall(part)
    ]
    return [word for word in words if word.casefold() not in SAME_IN_BOTH]


def _urls(world: World) -> Iterator[str]:
    yield reverse("admin:index")
    yield from (area.url() for area in Area)
    registry: dict[Any, Any] = dict(admin.site._registry)
    for model, model_admin in registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        for pk in model._default_manager.values_list("pk", flat=True)[:1]:
            yield reverse(f"{name}_change", args=[pk])
        for row in model._default_manager.all()[:1]:
            yield from (model_admin.action_url(action, [row]) for action in model_admin.actions_offered)
        if model._meta.label_lower in {
            "core.user",
            "fees.feescheduledraft",
            "django_celery_beat.periodictask",
        }:
            yield reverse(f"{name}_add")


def test_no_page_has_a_word_that_is_not_french(world: World, enter: Enter) -> None:
    pause_outgoing(actor=ACTOR, reason="12", now=NOW)
    client, read = enter(None), 0
    found: dict[str, tuple[list[str], str]] = {}

    for url in _urls(world):
        same = _texts(client, url, "fr") & _texts(client, url, "en")
        read += 1
        for text in sorted(same):
            if words := _foreign(text):
                found.setdefault(text, (words, url))

    assert read > 100
    assert found == {}


@pytest.mark.parametrize("text", ["Reset filters", "never a breach", "Select value"])
def test_reader_finds_an_english_word(text: str) -> None:
    assert _foreign(text) != []


@pytest.mark.parametrize(
    "text", ["#12 cycle:demo-cycle", "29 850 sats", "transfers.view_attempt", "+22177•••••67"]
)
def test_reader_takes_codes_for_what_they_are(text: str) -> None:
    assert _foreign(text) == []


# French has a blank before a colon, so `phrasing.labelled` joins a label with its text.
JOINED_BY_HAND = re.compile(r"""\{[^{}"]*\}: \{""")


def test_pages_and_exports_join_no_label_with_its_text_by_hand() -> None:
    base = Path(settings.BASE_DIR)
    files = [
        *base.glob("*/admin.py"), *base.glob("*/admin/*.py"), *base.glob("sunusav/backoffice/*.py"),
        *base.glob("sunusav/core/exporting/*.py"),
    ]  # fmt: skip

    found = [str(file) for file in files if JOINED_BY_HAND.search(file.read_text())]

    assert len(files) > 100
    assert found == []


@pytest.mark.parametrize("code", ['f"{button.label}: {name}"', 'format_html("{} {}: {}", rail, kind, value)'])
def test_labels_joined_by_hand_are_found(code: str) -> None:
    assert JOINED_BY_HAND.search(code)
