"""The layers: import-linter's contracts against the list of apps, and what import-linter cannot see."""

import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

from sunusav import app_list

ROOT = Path(__file__).resolve().parent.parent.parent
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACT = {contract["id"]: contract for contract in CONTRACTS["contracts"]}
# The modules of the project itself stand above the apps and know them all, the sandbox apart.
PROJECT = "sunusav.urls : sunusav.celery : sunusav.wsgi : sunusav.settings"
# What another app may import of an app (docs/architecture.md).
PUBLIC_MODULES = {
    "services", "queries", "accrual_queries", "collection_queries", "credit_queries", "destination_queries",
    "document_queries", "float_queries",
    "limit_queries", "person_queries", "reference_queries", "enums", "errors", "types", "rails", "collectors",
    "calculations", "timelines", "next_steps", "receipt_files",
}  # fmt: skip
INTERFACES = {
    "admin", "api", "backoffice", "charts", "evidence", "exports", "forms", "inbox", "management", "next_steps",
    "pages", "receipt_files", "tasks", "timelines",
}  # fmt: skip
FOR_INTERFACES = {"api", "backoffice"}
PARTS_OF_APPS = {"settlements"}


def _packages() -> set[str]:
    return {app.partition(".")[0] for app in app_list.apps()}


def test_import_linter_has_the_layers_of_the_list() -> None:
    sandbox, *layers = [" | ".join(layer) for layer in app_list.LAYERS]

    assert CONTRACT["layers"]["layers"] == [sandbox, PROJECT, *layers, "sunusav.app_list"]


def test_import_linter_reads_every_package_of_the_list() -> None:
    assert set(CONTRACTS["root_packages"]) == _packages()
    parts = {f"partners.{name}" for name in PARTS_OF_APPS}
    assert set(CONTRACT["inside_an_app"]["containers"]) == parts | _packages() - {"sunusav", app_list.SANDBOX}


def test_every_package_with_code_is_in_the_list() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert packages - {"tests", "bench"} == _packages()


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*sorted(_packages()), cache_dir=None)


def test_only_public_modules_are_imported_by_other_apps(graph: grimp.ImportGraph) -> None:
    private = [
        f"{importer} imports {imported}"
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if _package(importer) != _package(imported)
        and not (_package(importer) == app_list.SANDBOX or _is_public(imported))
    ]

    assert sorted(private) == []


def test_only_interfaces_import_api_and_backoffice(graph: grimp.ImportGraph) -> None:
    others = [
        f"{importer} imports {imported}"
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if _is_for_interfaces(imported)
        and not (_package(importer) == "sunusav" or _submodule(importer) in INTERFACES)
    ]

    assert sorted(others) == []


@pytest.mark.parametrize("package", sorted(_packages()))
def test_modules_of_a_package_import_each_other_in_one_direction(
    graph: grimp.ImportGraph, package: str
) -> None:
    imports = {
        module: [
            found for found in graph.find_modules_directly_imported_by(module) if _package(found) == package
        ]
        for module in graph.modules
        if _package(module) == package
    }

    TopologicalSorter(imports).prepare()  # raises CycleError, which names the modules of a circle


def _package(module: str) -> str:
    return module.partition(".")[0]


def _submodule(module: str) -> str:
    """Return the module of an app that this is or belongs to; a part of an app has modules of its own."""
    _app, *modules = module.split(".")
    return next((name for name in modules if name not in PARTS_OF_APPS), "")


def _is_for_interfaces(module: str) -> bool:
    return _package(module) == "sunusav" and _submodule(module) in FOR_INTERFACES


def _is_public(module: str) -> bool:
    """Tell whether another app may import this: everything of the project's own apps, of the others what is public."""
    return _package(module) == "sunusav" or _submodule(module) in PUBLIC_MODULES
