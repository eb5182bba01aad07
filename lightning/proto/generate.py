"""Write the `*_pb2` modules again from the .proto files, or with `--check` report whether they are current."""

import sys
import tempfile
from importlib.resources import files
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
HEADER = "# ruff: noqa\n# fmt: off\n# mypy: disable-error-code=type-arg\n"


class GeneratorFailed(Exception):
    """protoc refused a .proto file and wrote the reason to standard error."""


def generated_files() -> dict[str, str]:
    """Run the locked protoc and return the text of every generated file, by file name."""
    # A development tool, absent at run time.
    from grpc_tools import protoc  # type: ignore[import-untyped]

    sources = sorted(str(path.relative_to(ROOT)) for path in FOLDER.glob("*.proto"))
    well_known = str(files("grpc_tools") / "_proto")
    with tempfile.TemporaryDirectory() as target:
        arguments = [
            "protoc",
            f"-I{ROOT}",
            f"-I{well_known}",
            f"--python_out={target}",
            f"--pyi_out={target}",
        ]
        if protoc.main([*arguments, *sources]) != 0:
            raise GeneratorFailed
        written = (Path(target) / FOLDER.relative_to(ROOT)).iterdir()
        return {path.name: HEADER + path.read_text(encoding="utf-8") for path in written}


def stale_files(generated: dict[str, str]) -> list[str]:
    """Return the names of committed files that differ from what the generator writes, missing and extra ones too."""
    committed = {path.name for pattern in ("*_pb2.py", "*_pb2.pyi") for path in FOLDER.glob(pattern)}
    changed = {
        name for name in committed & set(generated) if (FOLDER / name).read_text("utf-8") != generated[name]
    }
    return sorted(changed | (committed ^ set(generated)))


def write(generated: dict[str, str]) -> None:
    for name, text in generated.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> int:
    generated = generated_files()
    stale = stale_files(generated)
    if "--check" not in arguments:
        write(generated)
        sys.stdout.write(f"lightning/proto: {len(stale)} of {len(generated)} generated files changed\n")
        return 0
    for name in stale:
        sys.stderr.write(f"lightning/proto/{name} is not current: run python -m lightning.proto.generate\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
