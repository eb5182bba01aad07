"""Rules about size, floats, foreign keys and tasks that are checked in the source or in the models."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from statistics import median

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db.models import Field, FloatField

from sunusav import app_list
from sunusav.core.app_modules import collect_mapping
from sunusav.core.schedules import shipped_schedule
from tests.architecture.code import APPS, ROOT, functions, import_everything, relative, sources, tree

LONGEST_FUNCTION = 60
LONGEST_FILE = 400
LAYERS = [{app.rpartition(".")[2] for app in layer} for layer in app_list.LAYERS]
OURS = {label for layer in LAYERS for label in layer}


# Size


def test_no_function_is_longer_than_sixty_lines() -> None:
    assert [name for name, length in functions() if length > LONGEST_FUNCTION] == []


def test_functions_are_short() -> None:
    lengths = sorted(length for _, length in functions())
    assert median(lengths) < 10
    assert lengths[int(len(lengths) * 0.9)] <= 30


def test_no_file_with_code_is_longer_than_four_hundred_lines() -> None:
    """A file of phrases or other data may be longer."""
    long = [file for file in sources() if len(file.read_text().splitlines()) > LONGEST_FILE]
    assert [relative(file) for file in long if _has_code(file)] == []


def _has_code(file: Path) -> bool:
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.walk(tree(file)))


# Money


MONEY = re.compile(r"(^|/)(calculations|services|queries|models|types|engine|api)(/|\.py$)")


ABOUT_TIME = re.compile(r"second|_at = ", re.IGNORECASE)


def _floats(file: Path) -> Iterator[str]:
    """Yield where a file uses floats, except on lines about time."""
    lines = file.read_text(encoding="utf-8").splitlines()
    for node in ast.walk(tree(file)):
        is_literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
        is_named = isinstance(node, ast.Name) and node.id == "float"
        is_divided = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not _joins_paths(node)
        if not (is_literal or is_named or is_divided):
            continue
        if not ABOUT_TIME.search(lines[getattr(node, "lineno", 1) - 1]):
            yield f"{relative(file)}:{getattr(node, 'lineno', 1)}"


def _joins_paths(node: ast.AST) -> bool:
    return any(isinstance(n, ast.Constant) and isinstance(n.value, str) for n in ast.walk(node))


def test_no_float_comes_near_money() -> None:
    """Rate sources divide Decimals; they are in ledger/rates and tested there."""
    apps = tuple(app for app in APPS if app != "sunusav")
    money = [file for file in sources(under=apps) if MONEY.search(relative(file))]
    assert money
    assert [place for file in money for place in _floats(file)] == []


def test_no_column_is_a_float() -> None:
    columns = [field for model in apps.get_models() for field in model._meta.get_fields()]
    ours = [field for field in columns if isinstance(field, Field) and field.model._meta.app_label in OURS]
    assert ours
    assert [str(field) for field in ours if isinstance(field, FloatField)] == []


# Database


def _models() -> Iterator[type]:
    yield from (model for model in apps.get_models() if model._meta.app_label in OURS)


def test_constraints_are_named_for_their_table_and_rule() -> None:
    shape = re.compile(r"[a-z]+(_[a-z0-9]+){2,}")
    names = [constraint.name for model in _models() for constraint in model._meta.constraints]  # type: ignore[attr-defined]
    assert [name for name in names if not shape.fullmatch(name)] == []


def _level(label: str) -> int:
    return next((level for level, layer in enumerate(LAYERS) if label in layer), len(LAYERS))


def test_foreign_keys_point_down() -> None:
    up = [
        str(field)
        for model in _models()
        for field in model._meta.get_fields()  # type: ignore[attr-defined]
        if isinstance(field, Field)
        and field.remote_field
        and field.related_model._meta.app_label != model._meta.app_label  # type: ignore[union-attr, attr-defined]
        and _level(field.related_model._meta.app_label) <= _level(model._meta.app_label)  # type: ignore[union-attr, attr-defined]
    ]
    assert up == []


@pytest.mark.django_db
def test_migrations_are_complete() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


# Tasks


def _task_names() -> set[str]:
    from celery import current_app

    import_everything()
    return {name for name in current_app.tasks if not name.startswith("celery.")}


def _scheduled_or_mapped() -> set[str]:
    return {row.task for row in shipped_schedule()} | set(collect_mapping("schedule", "WAKE_UPS").values())


def _woken() -> set[str]:
    """Return the first argument of each call of `wake`: a text, or a constant of a module that calls it."""
    calls = [
        (file, node.args[0])
        for file in sources()
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "wake"
    ]
    return {str(_value_of(file, argument)) for file, argument in calls}


def _value_of(file: Path, argument: ast.expr) -> object:
    if isinstance(argument, ast.Name):
        module = import_module(relative(file).removesuffix(".py").replace("/", "."))
        return getattr(module, argument.id, "")
    return ast.literal_eval(argument)


# Old names of tasks, for messages that were queued before an update.
ALIASES = set(collect_mapping("schedule", "ALIASES"))


def test_every_task_is_scheduled_or_woken() -> None:
    assert sorted(_task_names() - _scheduled_or_mapped() - _woken() - ALIASES) == []


def test_every_scheduled_or_mapped_task_exists() -> None:
    assert sorted(_scheduled_or_mapped() - _task_names()) == []


def test_tasks_are_named_for_their_app() -> None:
    assert [name for name in _task_names() if name.split(".")[0] not in OURS] == []


# Texts


def test_no_file_names_a_path_of_this_machine() -> None:
    private = re.compile(f"{re.escape(str(ROOT))}|{re.escape(str(ROOT.parent))}/|/home/[a-z]")
    suffixes = {".py", ".md", ".toml", ".html", ".txt", ".yml", ".yaml", ".cfg", ".example"}
    files = [
        file
        for file in ROOT.rglob("*")
        if file.suffix in suffixes and not any(part.startswith(".") for part in file.relative_to(ROOT).parts)
    ]
    assert len(files) > 100
    assert [relative(file) for file in files if private.search(file.read_text(encoding="utf-8"))] == []
