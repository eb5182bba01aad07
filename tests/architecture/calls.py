"""Which functions of ours reach a given function, read from the source without running it."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.code import ROOT, sources, tree

Definition = ast.FunctionDef | ast.ClassDef


def callers_of(target: str) -> set[str]:
    """Return the functions and classes, as `module.name`, from which a reference leads to the target, at any remove.

    A reference counts as a call, because functions are passed on. Calls of methods of other objects are not seen.
    """
    references, aliases = _read()
    callers: dict[str, set[str]] = defaultdict(set)
    for name, used in references.items():
        for one in used:
            callers[_followed(one, aliases)].add(name)
    found: set[str] = set()
    waiting = [target]
    while waiting:
        new = callers[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def _read() -> tuple[dict[str, set[str]], dict[str, str]]:
    """Return what each definition refers to, and what each imported name stands for."""
    references: dict[str, set[str]] = {}
    aliases: dict[str, str] = {}
    for file in sources():
        module = _module(file)
        names = dict(_imports(tree(file)))
        aliases |= {f"{module}.{name}": meant for name, meant in names.items()}
        for node in tree(file).body:
            if isinstance(node, Definition):
                references[f"{module}.{node.name}"] = set(_references(node, module, names))
    return references, aliases


def _module(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imports(module: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                yield name.asname or name.name, f"{node.module}.{name.name}"
        elif isinstance(node, ast.Import):
            for name in node.names:
                yield name.asname or name.name, name.name


def _references(definition: Definition, module: str, names: dict[str, str]) -> Iterator[str]:
    for node in ast.walk(definition):
        if isinstance(node, ast.Name):
            yield names.get(node.id, f"{module}.{node.id}")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{names.get(node.value.id, node.value.id)}.{node.attr}"


def _followed(name: str, aliases: dict[str, str]) -> str:
    while name in aliases and aliases[name] != name:
        name = aliases[name]
    return name
