"""The rules of DESIGN §1 and §4 on imports, files and names, read from the source itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = ("servers", "storage", "auth", "conf")
SOURCES: Final = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
PROGRAMS: Final = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "bench").rglob("*.py"))]

MAY_IMPORT: Final = {
    "conf": {"conf"},
    "storage": {"storage"},
    "auth": {"auth", "storage"},
    "servers": {"servers", "auth", "storage", "conf"},
}
KERNELS: Final = {"http": {"http"}, "dav": {"dav", "http"}, "line": {"line"}}
"""What of `servers` each kernel may import: itself and what it stands on."""
GIVEN: Final = {ROOT / "bench" / "dav_bench.py", ROOT / "bench" / "mail_bench.py"}
"""Programs taken over whole from elsewhere, so that their figures stay comparable."""
DATABASE: Final = {"sqlalchemy", "sqlite3", "psycopg", "alembic"}


def imports(path: Path) -> Iterator[str]:
    """Every module that the file imports, wherever the statement stands."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def named(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=[str(path.relative_to(ROOT)) for path in paths])


@named(SOURCES)
def test_imports_point_downwards(path: Path) -> None:
    """servers → auth → storage; conf is read at process start and handed down."""
    parts = path.relative_to(ROOT).parts
    for module in imports(path):
        top = module.partition(".")[0]
        if top in PACKAGES:
            assert top in MAY_IMPORT[parts[0]], f"imports {module}"
        if parts[0] in {"servers", "auth"}:
            assert top not in DATABASE, f"speaks to the database behind the store's back: {module}"
        if parts[0] == "servers" and top == "conf":
            at_start = len(parts) == 2 or parts[1] == "commands" or parts[-1] in {"app.py", "start.py"}
            assert at_start, f"reads {module}; settings are read at the process's start and handed down"


@named([path for path in SOURCES if path.is_relative_to(ROOT / "servers")])
def test_no_protocol_imports_another(path: Path) -> None:
    """A kernel knows no protocol, a protocol only kernels and itself."""
    parts = path.relative_to(ROOT / "servers").parts
    if len(parts) == 1 or parts[0] == "commands":
        return
    allowed = KERNELS.get(parts[0], {parts[0], *KERNELS}) | {"log"}
    for module in imports(path):
        names = module.split(".")
        if names[0] == "servers" and len(names) > 1:
            assert names[1] in allowed, f"{parts[0]} imports {module}"


@named(PROGRAMS)
def test_files_are_short_whole_and_named(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= 700 or path in GIVEN, "never past 700 lines: find the seam"
    assert ast.get_docstring(ast.parse(text)) or not text.strip(), "the first line says the file's one idea"
    assert path.stem not in {"utils", "common", "base", "helpers", "misc"}, "name the thing"
    if path != Path(__file__):
        assert not re.search(r"raise NotImplemented|#.*\b(?:FIXME|XXX|TODO(?!\(#\d+\):))\b", text), "unfinished"


def test_the_four_names_are_ours_alone() -> None:
    """They are plain names: the environment must not hold another distribution that owns one (DESIGN §4)."""
    owners = packages_distributions()
    for package in PACKAGES:
        assert set(owners.get(package, ["escritoire"])) == {"escritoire"}


def test_the_top_level_is_fixed() -> None:
    """DESIGN §4: what every contributor looks for, and nothing beside it."""
    known = {*PACKAGES, "tests", "systemd", "docs", "bench", ".ci"}
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert folders - {"build", "dist", "node_modules", "__pycache__"} <= known | {f"{n}.egg-info" for n in PACKAGES}
