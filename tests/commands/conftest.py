"""A desk made by `escritoire init`, and the command line as a function."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from servers.cli import group


class Line:
    """The command line of one desk."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def __call__(self, *words: str, stdin: str | bytes = "", status: int = 0) -> str:
        """Run `escritoire --data DIR WORDS…`, check its exit status, return what it printed."""
        done = self.run(*words, stdin=stdin)
        assert done.exit_code == status, done.output
        if status:
            assert done.stderr, "a refusal says why"
            return done.stderr
        return done.stdout

    def run(self, *words: str, stdin: str | bytes = "") -> Result:
        """The same with all that was printed, whatever the exit status."""
        done = CliRunner().invoke(group, ["--data", str(self.data), *words], input=stdin)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    def json(self, *words: str, stdin: str | bytes = "") -> Any:
        """The same with `--json`, read."""
        return json.loads(self(*words, "--json", stdin=stdin))


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A desk with alice, bob and carol; alice and bob are in IAB. Passwords are login + "-secret"."""
    line = Line(tmp_path_factory.mktemp("desks") / "desk")
    line("init", "--data", str(line.data), "--domain", "example.test")
    for login in ("alice", "bob", "carol"):
        line("user", "add", login, "--password-stdin", "--name", login.title(), stdin=f"{login}-secret\n")
    line("group", "add", "IAB", "--admin", "alice")
    line("group", "member", "add", "IAB", "bob")
    return line.data


@pytest.fixture
def line(furnished: Path, tmp_path: Path) -> Line:
    """A copy of that desk of the test's own."""
    copy = tmp_path / "desk"
    shutil.copytree(furnished, copy)
    settings = copy / "escritoire.toml"
    settings.write_text(settings.read_text().replace(str(furnished), str(copy)))
    return Line(copy)
