"""What import-linter cannot see of the floors: rooms it was not told of, and what may cross a wall."""

import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACT = {contract["id"]: contract for contract in CONTRACTS["contracts"]}
NOT_ROOMS = {"tests", "bench"}
# HOUSE, section 1: the shelves another room may look at.
OPEN_SHELVES = {"services", "queries", "enums", "errors", "types", "rails", "collectors"}
DOORS = {"admin", "api", "backoffice", "forms", "management", "pages", "tasks"}
FOR_DOORS = {"api", "backoffice"}
# Apps whose modules import each other in one direction only.
WITHOUT_CIRCLES = ["fees", "ledger", "lightning", "payouts", "sunusav", "transfers"]


def _apps() -> set[str]:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    return packages - NOT_ROOMS


def test_import_linter_knows_every_room() -> None:
    assert set(CONTRACTS["root_packages"]) == _apps()
    assert set(CONTRACT["inside_a_room"]["containers"]) == _apps() - {"sandbox", "sunusav"}


def test_every_room_stands_on_a_floor() -> None:
    floors = CONTRACT["floors"]["layers"]
    named = {name.strip(" ()") for floor in floors for name in floor.replace(":", "|").split("|")}

    assert _apps() - {"sunusav"} <= named


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*sorted(_apps()), cache_dir=None)


def test_only_open_shelves_cross_a_wall(graph: grimp.ImportGraph) -> None:
    crossing = [
        f"{importer} imports {imported}"
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if _room(importer) != _room(imported) and not (_is_demo(importer) or _is_open(imported))
    ]

    assert sorted(crossing) == []


def test_only_doors_import_api_and_desk(graph: grimp.ImportGraph) -> None:
    indoors = [
        f"{importer} imports {imported}"
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if _is_for_doors(imported) and not (_room(importer) == "sunusav" or _shelf(importer) in DOORS)
    ]

    assert sorted(indoors) == []


@pytest.mark.parametrize("app", WITHOUT_CIRCLES)
def test_modules_of_an_app_import_each_other_in_one_direction(graph: grimp.ImportGraph, app: str) -> None:
    imported_by = {
        module: [found for found in graph.find_modules_directly_imported_by(module) if _room(found) == app]
        for module in graph.modules
        if _room(module) == app
    }

    TopologicalSorter(imported_by).prepare()  # raises CycleError, which names the modules of a circle


def _room(module: str) -> str:
    return module.partition(".")[0]


def _shelf(module: str) -> str:
    return module.partition(".")[2].partition(".")[0]


def _is_demo(module: str) -> bool:
    """Tell whether this is the demo, which stands above all floors and starts the simulated node."""
    return module.startswith("sandbox")


def _is_for_doors(module: str) -> bool:
    return _room(module) == "sunusav" and _shelf(module) in FOR_DOORS


def _is_open(module: str) -> bool:
    """Tell whether another room may import this: the ground is open, and so are a room's open shelves."""
    return _room(module) == "sunusav" or _shelf(module) in OPEN_SHELVES
