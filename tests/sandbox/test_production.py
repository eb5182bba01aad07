"""The container image contains no `sandbox` and works without it; production refuses its presence."""

import fnmatch
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PRODUCTION = {
    "ALLOWED_HOSTS": "money.example.org",
    "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
    "DJANGO_SETTINGS_MODULE": "sunusav.settings.production",
    "FIELD_ENCRYPTION_KEY": "ab" * 32,
    "INVOICE_PREIMAGE_KEY": "cd" * 32,
    "LND_NETWORK": "mainnet",
    "LND_TLS_CERT_PATH": "/srv/lnd/tls.cert",
    "MONETIZATION_DATABASE_URL": "sqlite://:memory:",
    "PUBLIC_BASE_URL": "https://money.example.org",
    "SECRET_KEY": "a secret key of the tests, long enough that Django accepts it: 0123456789",
}
LOCAL = {"DJANGO_SETTINGS_MODULE": "sunusav.settings.local", "MONETIZATION_DATABASE_URL": "sqlite://:memory:"}
# Settings of other processes: importing them here would change the environment that production reads.
NOT_IN_PRODUCTION = {"sunusav.settings.local", "sunusav.settings.test"}
IMPORT_EVERYTHING = f"""
import importlib, pkgutil, django
django.setup()
found = [module.name for module in pkgutil.walk_packages(["."])]
for name in found:
    if name != "manage" and name not in {NOT_IN_PRODUCTION}:
        importlib.import_module(name)
print(len(found))
"""


def _is_left_out(path: str) -> bool:
    """Match a path as Docker matches `.dockerignore`: from the root, unless the pattern begins with `**/`."""
    patterns = (ROOT / ".dockerignore").read_text().split()
    return any(
        fnmatch.fnmatchcase(
            Path(path).name if pattern.startswith("**/") else path, pattern.removeprefix("**/")
        )
        for pattern in patterns
    )


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the files that `COPY . /app` of the Dockerfile copies."""

    def left_out(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if _is_left_out(str((Path(folder) / name).relative_to(ROOT)))}

    return Path(shutil.copytree(ROOT, tmp_path_factory.mktemp("image") / "app", ignore=left_out))


def _run(folder: Path, *arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with tempfile.TemporaryDirectory() as state:
        own = {"SUNUSAV_STATE_DIR": state, "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            env={**kept, **own, **environment},
            capture_output=True,
            text=True,
            check=False,
        )


def test_image_leaves_out_sandbox_tests_and_bench(image: Path) -> None:
    assert {path.name for path in image.iterdir()} & {"sandbox", "tests", "bench", ".venv", ".git"} == set()
    assert (image / "manage.py").exists()


def test_production_check_of_the_image_finds_no_problem(image: Path) -> None:
    done = _run(image, "manage.py", "check", "--deploy", environment=PRODUCTION)

    assert done.returncode == 0, done.stderr
    assert "sandbox" not in done.stderr


def test_every_module_of_the_image_imports_without_sandbox(image: Path) -> None:
    done = _run(image, "-c", IMPORT_EVERYTHING, environment=PRODUCTION)

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(_modules(image))


def _modules(image: Path) -> set[str]:
    """Return the modules of the image, packages included, by their files."""
    packages = {path.parent for path in image.rglob("__init__.py")}
    inner = {path for folder in packages for path in folder.glob("*.py") if path.name != "__init__.py"}
    return {str(path) for path in packages | inner | set(image.glob("*.py"))}


def test_local_settings_of_compose_work_without_sandbox(image: Path) -> None:
    done = _run(image, "manage.py", "check", environment=LOCAL)

    assert done.returncode == 0, done.stderr


def test_local_settings_of_a_checkout_install_sandbox() -> None:
    done = _run(ROOT, "manage.py", "seed_demo", "--help", environment=LOCAL)

    assert done.returncode == 0, done.stderr


def test_production_check_of_a_checkout_refuses_sandbox() -> None:
    done = _run(ROOT, "manage.py", "check", "--deploy", environment=PRODUCTION)

    assert done.returncode == 1
    assert "sunusav.E008" in done.stderr
