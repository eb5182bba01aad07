"""What apps contribute is found by name: a misspelt name, or an app that cannot be imported, is an error."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from sunusav import app_list
from sunusav.core import app_modules

COLLECTED = (list, dict, set, tuple)


# Where a name is required, a module without it is an error; where none is, a misspelt one would be ignored.
OPTIONAL = [name for name, names in app_modules.CONTRIBUTIONS.items() if not all(names.values())]


@pytest.mark.parametrize("name", OPTIONAL)
def test_modules_define_only_names_that_are_collected(name: str) -> None:
    unknown = [
        f"{module.__name__}.{attribute}"
        for module in app_list.submodules(name)
        for attribute, value in vars(module).items()
        if _is_contribution(attribute, value, module) and attribute not in app_modules.CONTRIBUTIONS[name]
    ]

    assert unknown == []


def _is_contribution(attribute: str, value: object, module: ModuleType) -> bool:
    """Tell collections that the module assigns itself from those it imports."""
    source = Path(str(module.__file__)).read_text()
    return attribute.isupper() and isinstance(value, COLLECTED) and f"\n{attribute}" in f"\n{source}"


def test_collect_of_unknown_name_is_an_error() -> None:
    with pytest.raises(KeyError):
        app_modules.collect("invariants", "INVARIANT")


def test_collect_from_module_without_its_required_name_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("fees.roles.GRANTS")

    with pytest.raises(AttributeError):
        app_modules.collect("roles", "GRANTS")


def test_collect_mapping_of_two_values_for_one_key_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payouts.backoffice.PROPOSAL_PAGES", {"fee_schedule": "payouts.cycle"})

    with pytest.raises(ValueError, match="PROPOSAL_PAGES\\['fee_schedule'\\]"):
        app_modules.collect_mapping("backoffice", "PROPOSAL_PAGES")


@pytest.mark.parametrize(
    ("source", "missing"), [("import no_such_library", "no_such_library"), (None, "broken_app")]
)
def test_app_that_cannot_be_imported_does_not_vanish(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str | None, missing: str
) -> None:
    if source is not None:
        (tmp_path / "broken_app").mkdir()
        (tmp_path / "broken_app" / "__init__.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(app_list, "LAYERS", (("broken_app",), *app_list.LAYERS))
    monkeypatch.delitem(sys.modules, "broken_app", raising=False)

    with pytest.raises(ModuleNotFoundError, match=missing):
        app_list.submodules.__wrapped__("invariants")


def test_app_without_a_package_contributes_nothing_of_it() -> None:
    assert [module.__name__ for module in app_list.submodules("api.urls")] == [
        "payouts.api.urls", "partners.api.urls", "transfers.api.urls", "fees.api.urls", "ledger.api.urls",
    ]  # fmt: skip
