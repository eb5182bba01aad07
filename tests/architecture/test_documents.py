"""The documents against the repository: the links, commands, variables and paths that they name exist."""

import ast
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import find_commands, get_commands, load_command_class
from django.urls import Resolver404, resolve

from sunusav.app_list import SANDBOX
from tests.architecture.code import ROOT, relative

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
VARIABLE = re.compile(r"([A-Z][A-Z0-9_]+)(?:=.*)?")
PATH = re.compile(r"[\w.<>{}*-]+(?:/[\w.<>{}*-]+)*/?")
# A document, and the number of a section that follows its name.
NAMED_DOCUMENT = re.compile(r"([\w./-]*\w\.md\b)(,? (?:[Ss]ection )?\d+)?")
PLACEHOLDER = re.compile(r"<\w+>|\{\w+\}")
SUFFIXES = (".py", ".md", ".toml", ".yml", ".txt", ".html", ".po", ".proto", ".example")
MADE_WHILE_RUNNING = (".venv", ".run", ".env")
MEDIA_TYPES = ("application/", "image/", "text/")

Checker = Callable[[Path, str], Iterator[str]]


# What a document names


def _inline(text: str) -> list[str]:
    """Return the inline code of a document, each piece in one line."""
    return [" ".join(code.split()) for code in CODE.findall(FENCE.sub("", text))]


def _commands(text: str) -> Iterator[list[str]]:
    """Yield the commands of a document as words: in backticks, and line by line in shell blocks."""
    blocks = [block for language, block in FENCE.findall(text) if language in {"", "sh"}]
    for line in [*_inline(text), *(line for block in blocks for line in block.splitlines())]:
        yield line.partition(" #")[0].split()


# What there is


@cache
def _entries() -> frozenset[str]:
    """Return the path of every file and folder of the project; hidden ones are caches, but for `.ci`."""
    kept = (path for path in ROOT.iterdir() if path.name == ".ci" or not path.name.startswith("."))
    below = (path for top in kept for path in (top, *top.rglob("*")) if "__pycache__" not in path.parts)
    return frozenset(relative(path) for path in below)


@cache
def _targets() -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@cache
def _management_commands() -> dict[str, object]:
    """Return the app of each command. The sandbox is added, since the settings of tests do not install it."""
    return {**get_commands(), **dict.fromkeys(find_commands(str(ROOT / SANDBOX / "management")), SANDBOX)}


@cache
def _variables() -> frozenset[str]:
    """Return the variables that env.example and the Makefile explain."""
    texts = [(ROOT / file).read_text() for file in ("env.example", "Makefile")]
    return frozenset(re.findall(r"^(?:# )?([A-Z_]+) ?\??:?=", "\n".join(texts), re.MULTILINE))


@cache
def _sources() -> list[str]:
    files = [ROOT / entry for entry in _entries() if entry.endswith((".py", ".pyi"))]
    return [file.read_text(encoding="utf-8") for file in files if file != Path(__file__)]


def _is_known(variable: str) -> bool:
    if variable in _variables() or hasattr(settings, variable):
        return True
    return any(_is_named_in(source, variable) for source in _sources() if variable in source)


def _is_named_in(source: str, name: str) -> bool:
    """Return whether the source has this name, or a string that equals it; a comment does not count."""
    values = (
        getattr(node, field, "") for node in ast.walk(ast.parse(source)) for field in ("id", "attr", "value")
    )
    return name in {value for value in values if isinstance(value, str)}


# What is missing


def missing_links(document: Path, text: str) -> Iterator[str]:
    """Yield the relative links to files or headings that do not exist."""
    for link in LINK.findall(FENCE.sub("", text)):
        if not (":" in link or link.startswith("/") or _has_target(link, document, text)):
            yield link


def _has_target(link: str, document: Path, text: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (document.parent / path).resolve() if path else document
    if not (target.exists() and target.is_relative_to(ROOT)):
        return False
    return not anchor or anchor in _anchors(text if target == document else target.read_text())


def _anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a document."""
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}


def missing_targets(document: Path, text: str) -> Iterator[str]:
    for words in _commands(text):
        if words[:1] == ["make"]:
            named = [word for word in words[1:] if re.fullmatch("[a-z-]+", word)]
            yield from (f"make {target}" for target in named if target not in _targets())


def missing_management_commands(document: Path, text: str) -> Iterator[str]:
    """Yield the commands of manage.py that do not exist, and options that they do not take."""
    for words in _commands(text):
        for program, name in pairwise(words):
            if program.endswith("manage.py") and name.isidentifier():
                yield from _missing_in(name, [word for word in words if word.strip("[]").startswith("--")])


def _missing_in(name: str, options: list[str]) -> Iterator[str]:
    if name not in _management_commands():
        yield f"manage.py {name}"
        return
    app = str(_management_commands()[name])
    known = load_command_class(app, name).create_parser("manage.py", name)._option_string_actions
    yield from (f"manage.py {name} {option}" for option in options if option.strip("[]") not in known)


def missing_variables(document: Path, text: str) -> Iterator[str]:
    """Yield the names in capitals that are neither a variable, nor a setting, nor a name of the source."""
    for code in _inline(text):
        variable = VARIABLE.fullmatch(code)
        if variable and not _is_known(variable[1]):
            yield variable[1]


def missing_paths(document: Path, text: str) -> Iterator[str]:
    """Yield what looks like a path, but ends no path of the project and is no URL of the API."""
    for code in _inline(text):
        if PATH.fullmatch(code) and _looks_like_path(code) and not (_is_entry(code) or _is_url(code)):
            yield code


def _looks_like_path(code: str) -> bool:
    """Return whether code is meant as a path of the project: not a suffix alone, not a placeholder (`DIR/…`)."""
    if (
        code in SUFFIXES
        or code.startswith((*MADE_WHILE_RUNNING, *MEDIA_TYPES))
        or code.partition("/")[0].isupper()
    ):
        return False
    return code.endswith(SUFFIXES) or "/" in code


def _is_entry(code: str) -> bool:
    pattern = PLACEHOLDER.sub("*", code.rstrip("/"))
    return any(fnmatch(entry, pattern) or fnmatch(entry, f"*/{pattern}") for entry in _entries())


def _is_url(code: str) -> bool:
    path = PLACEHOLDER.sub("1", code)
    return any(_resolves(f"{prefix}{path}") for prefix in ("/monetization/", "/"))


def _resolves(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


CHECKERS: list[Checker] = [
    missing_links, missing_targets, missing_management_commands, missing_variables, missing_paths,
]  # fmt: skip


@pytest.mark.parametrize("checker", CHECKERS, ids=lambda checker: checker.__name__)
def test_documents_name_only_what_exists(checker: Checker) -> None:
    missing = {
        f"{relative(document)}: {name}"
        for document in DOCUMENTS
        for name in checker(document, document.read_text(encoding="utf-8"))
    }

    assert sorted(missing) == []


def test_links_of_all_other_documents_resolve() -> None:
    others = {ROOT / entry for entry in _entries() if entry.endswith(".md")} - set(DOCUMENTS)

    assert others
    missing = [
        f"{relative(file)}: {link}" for file in others for link in missing_links(file, file.read_text())
    ]
    assert sorted(missing) == []


def missing_documents(text: str) -> Iterator[str]:
    """Yield the documents that a text names, but that do not exist, and references to their numbered sections."""
    for match in NAMED_DOCUMENT.finditer(text):
        name, number = match.groups()
        if number or not _is_entry(name.lstrip("./")):
            yield match[0]


def test_files_name_only_documents_that_exist() -> None:
    files = [ROOT / entry for entry in _entries() if entry.endswith(SUFFIXES)]

    missing = [
        f"{relative(file)}: {name}"
        for file in files
        if file != Path(__file__)
        for name in missing_documents(file.read_text(encoding="utf-8"))
    ]
    assert sorted(missing) == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("See docs/api.md and ../CONTRIBUTING.md, `<code>.md`.", []),
        ("Source: NOTHING.md, section 2.", ["NOTHING.md, section 2"]),
        ("# reference/nothing.md: why", ["reference/nothing.md"]),
        ("# lightning.md 3.9", ["lightning.md 3"]),
    ],
)
def test_check_finds_documents_that_do_not_exist(text: str, missing: list[str]) -> None:
    assert list(missing_documents(text)) == missing


@pytest.mark.parametrize(
    ("checker", "text", "missing"),
    [
        (missing_links, "[a](docs/api.md) [b](docs/nothing.md)", ["docs/nothing.md"]),
        (missing_links, "# One heading\n[a](#one-heading) [b](#another)", ["#another"]),
        (missing_links, "[a](docs/payouts.md#the-steps-of-nothing)", ["docs/payouts.md#the-steps-of-nothing"]),
        (missing_links, "[a](../outside)", ["../outside"]),
        (missing_targets, "`make lint nothing` and `make run`", ["make nothing"]),
        (missing_targets, "```sh\nmake test # all\nmake nothing # none\n```", ["make nothing"]),
        (missing_management_commands, "`manage.py audit_books --fast`, `manage.py nothing`", ["manage.py nothing"]),
        (missing_management_commands, "`manage.py seed_demo`", []),
        (missing_management_commands, "`manage.py audit_books --slow`", ["manage.py audit_books --slow"]),
        (missing_management_commands, "```sh\npython manage.py nothing\n```", ["manage.py nothing"]),
        (missing_variables, "`PORT=1`, `RAILS`, `NO_SUCH_NAME=1`, `NOTANYWHERE`", ["NO_SUCH_NAME", "NOTANYWHERE"]),
        (missing_paths, "`fees/calculate`, `cycles/{id}`, `core/fields.py`, `tests/nothing`", ["tests/nothing"]),
        (missing_paths, "`problem_docs/<code>.md` and `nothing.py`", ["nothing.py"]),
    ],
)  # fmt: skip
def test_check_finds_what_is_missing(checker: Checker, text: str, missing: list[str]) -> None:
    assert list(checker(ROOT / "README.md", text)) == missing
