"""Names, comments, docstrings, texts and documents use plain words; each rule states what to write instead.

The list holds words that had a meaning of their own in this project. A word that also has an ordinary meaning here,
such as `floor` in rounding, has a rule for the private meaning only.
"""

import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.architecture.code import APPS, ROOT, relative


@dataclass(frozen=True)
class Rule:
    """A pattern over lower-case words joined by single blanks, and what to write instead."""

    pattern: str
    instead: str


EVERYWHERE = [
    Rule("strangers?", "untrusted host, or anybody"),
    Rule("doorbells?|rung|rings?|ringing", "wake-up, wake"),
    Rule("errands?", "access scope"),
    Rule("vandals?|vandalism", "tampering"),
    Rule("turmoil", "chaos test"),
    Rule("the outside(?! world| of)|outside's", "the provider, the node, external"),
    Rule("desks?", "back office"),
    Rule("roofs?", "project"),
    Rule("crowds?|lanes?", "flow runner, slot"),
    Rule("in hand(?! written)", "claimed"),
    Rule("houses?", "project, architecture"),
    Rule("rooms?(?! for)", "app"),
    Rule("doors?|indoors", "interface, or its name: admin, API, task, command"),
    Rule("shelf|shelves", "module"),
    Rule("walls?(?! clock| time)", "app border"),
    Rule("floors(?! once| down| the| and)|(?:top|upper|lower|same|own|which|no|every|its) floor", "layer"),
    Rule("fused?|fuses", "kill switch"),
    Rule("heard", "received"),
    Rule("(?:is|are|was|were|be) away", "unavailable"),
    Rule("(?:held|hold|holds|holding) back|put off|let past", "defer, deferred, waive"),
    Rule("falls? upon|fell upon|by no means|for ever|lest|whoever|old news", "plain English"),
]
NAMES_ONLY = [Rule("told", "what it is: answer, report, facts, text")]
ANY = re.compile("|".join(rf"\b(?:{rule.pattern})\b" for rule in [*EVERYWHERE, *NAMES_ONLY]))

# Names that clients, stored rows and other programs use: they do not change.
PUBLISHED = [
    "disbursement-not-held-back",  # problem code
    "disbursement.held_back",  # webhook topic
    '"hold_back"',  # action in the trail
    '"disbursement.hold_back"',
    "--lanes",  # option of a command
    "payments_held_back",  # metric
    # Sentences in rows that were stored before reasons were codes and facts.
    "is away or short",
    "the outside no longer knows a payment it had",
    "the outside says of the last order",
]
PROSE = {".md", ".html", ".toml", ".yml", ".example"}
PROSE_NAMES = {"Makefile", "Dockerfile"}
SKIPPED = {"migrations", "node_modules", "LICENSE"}
THIS = Path(__file__).resolve()


def _folder(file: Path) -> str:
    """Return the folder to report a finding under: an app, a folder of tests, or a file or folder of the root."""
    parts = file.relative_to(ROOT).parts
    return "/".join(parts[: 2 if parts[0] in {"tests", "sunusav", "docs"} and len(parts) > 2 else 1])


def _files() -> Iterator[Path]:
    for file in sorted(ROOT.rglob("*")):
        parts = file.relative_to(ROOT).parts
        if any(part.startswith(".") or part in SKIPPED for part in parts) or "_pb2" in file.name:
            continue
        is_text = file.suffix in PROSE or file.name in PROSE_NAMES
        if file != THIS and file.is_file() and (file.suffix == ".py" or is_text):
            yield file


def _words(text: str) -> str:
    """Return lower-case words joined by blanks; `snake_case` and `CamelCase` are split."""
    for code in PUBLISHED:
        text = text.replace(code, " ")
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", text)
    return " ".join(re.findall(r"[a-z]+(?:'[a-z]+)?", split.lower()))


def _breaks(text: str, rules: list[Rule]) -> Iterator[str]:
    words = _words(text)
    if ANY.search(words) is None:
        return
    for rule in rules:
        for found in re.finditer(rf"\b(?:{rule.pattern})\b", words):
            yield f"{found[0]!r}: write {rule.instead}"


def _python(source: str) -> Iterator[tuple[int, str, list[Rule]]]:
    """Yield each name, string and block of comments with its line and its rules."""
    comments: list[str] = []
    begun = last = 0
    texts = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        line = token.start[0]
        if token.type == tokenize.COMMENT:
            if line != last + 1:
                yield begun, " ".join(comments), EVERYWHERE
                comments, begun = [], line
            comments.append(token.string)
            last = line
        elif token.type == tokenize.NAME:
            yield line, token.string, [*EVERYWHERE, *NAMES_ONLY]
        elif token.type in texts:
            yield line, token.string, EVERYWHERE
    yield begun, " ".join(comments), EVERYWHERE


def _prose(source: str) -> Iterator[tuple[int, str, list[Rule]]]:
    """Yield the paragraphs outside code fences."""
    without_code = re.sub(
        r"^```.*?^```", lambda found: "\n" * found[0].count("\n"), source, flags=re.MULTILINE | re.DOTALL
    )
    line = 1
    for paragraph in re.split(r"(\n\s*\n)", without_code):
        yield line, paragraph, EVERYWHERE
        line += paragraph.count("\n")


def _findings(file: Path) -> list[str]:
    source = file.read_text(encoding="utf-8")
    if ANY.search(_words(source)) is None:  # most files: there is nothing to parse them for
        return []
    pieces = _python(source) if file.suffix == ".py" else _prose(source)
    return [
        f"{relative(file)}:{line} {finding}"
        for line, text, rules in pieces
        for finding in _breaks(text, rules)
    ]


FOLDERS: dict[str, list[Path]] = {}
for found_file in _files():
    FOLDERS.setdefault(_folder(found_file), []).append(found_file)


@pytest.mark.parametrize("folder", FOLDERS)
def test_folder_has_no_private_words(folder: str) -> None:
    findings = [finding for file in FOLDERS[folder] for finding in _findings(file)]

    assert findings == []


def test_every_app_is_searched() -> None:
    assert set(APPS) <= {folder.partition("/")[0] for folder in FOLDERS}


@pytest.mark.parametrize(
    "text",
    [
        "told", "StrangerClient", "the_outside", "rooms", "HeldBack", "ring()", "top floor",
        "taken in hand", "Four eyes, by whatever door", "the node is away", "three floors",
    ],
)  # fmt: skip
def test_private_word_is_found(text: str) -> None:
    assert list(_breaks(text, [*EVERYWHERE, *NAMES_ONLY])) != []


@pytest.mark.parametrize(
    "text",
    [
        "math.floor(value)", "floored once, at the end", "split_floors_once", "two floors and a remainder",
        "leaves room for another", "string", "wall clock",
        "outside of a transaction", "disbursement-not-held-back", "household", "hold", "withhold", "during", "refused",
    ],
)  # fmt: skip
def test_ordinary_word_is_left_alone(text: str) -> None:
    assert list(_breaks(text, [*EVERYWHERE, *NAMES_ONLY])) == []
