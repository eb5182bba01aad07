"""The source of the project, for the tests that read it."""

import ast
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

ROOT = Path(__file__).resolve().parent.parent.parent
APPS = sorted(
    path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name not in {"tests", "bench"}
)


def sources(*, under: tuple[str, ...] = ()) -> list[Path]:
    """Return our Python files except generated ones and migrations."""
    folders = [ROOT / name for name in under or APPS]
    files = [file for folder in folders for file in sorted(folder.rglob("*.py"))]
    return [file for file in files if "migrations" not in file.parts and "_pb2" not in file.name]


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def import_everything() -> None:
    """Import every module of every app, so that all classes and tasks are registered."""
    for app in APPS:
        for module in walk_packages(import_module(app).__path__, f"{app}."):
            if not _runs_on_import(module.name):
                import_module(module.name)


def _runs_on_import(name: str) -> bool:
    """Return whether importing a module has effects: entry points and settings."""
    return name.endswith("__main__") or name.startswith(("sunusav.settings", "sunusav.wsgi", "sunusav.asgi"))


def relative(file: Path) -> str:
    return str(file.relative_to(ROOT))


def functions() -> Iterator[tuple[str, int]]:
    """Yield every function with its length in lines, without decorators and docstring."""
    for file in sources():
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{relative(file)}:{node.lineno} {node.name}", _length(node)


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is not None and len(node.body) > 1:
        length -= (first.end_lineno or first.lineno) - first.lineno + 1
    return length
