"""The catalogue of problems: one Markdown file per code, in `problem_docs/` of the app that raises it.

A file starts with the lines `title:` and `next:`, then a blank line, then prose in Markdown.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.apps import apps


@dataclass(frozen=True)
class ProblemPage:
    """The title, next step and description of a problem."""

    code: str
    title: str
    next: str
    prose: str


def problem_files() -> list[Path]:
    """Return the file of every code, in alphabetical order of the codes."""
    folders = [Path(app.path) / "problem_docs" for app in apps.get_app_configs()]
    return sorted((file for folder in folders for file in folder.glob("*.md")), key=lambda file: file.stem)


@cache
def problem_pages() -> dict[str, ProblemPage]:
    """Return every page by its code, in alphabetical order."""
    return {file.stem: read_page(file) for file in problem_files()}


def page_of(code: str) -> ProblemPage:
    """Return the page of a code. A code without a page gets a title made from the code, so that no answer fails."""
    return problem_pages().get(code) or ProblemPage(code, code.replace("-", " ").capitalize(), "", "")


def read_page(file: Path) -> ProblemPage:
    """Read one file of the catalogue. Raises: ValueError unless it starts with a `title:` and a `next:` line."""
    front, _, prose = file.read_text(encoding="utf-8").partition("\n\n")
    lines = dict(line.split(": ", 1) for line in front.splitlines())
    if set(lines) != {"title", "next"}:
        raise ValueError(f"{file.name} must start with a title: and a next: line")
    return ProblemPage(file.stem, lines["title"], lines["next"], prose)
