"""The command line's own promises: help that teaches, statuses 0, 1 and 2, refusals in one line each."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from conf.load import load
from servers.cli import COMMANDS, _refusal

pytestmark = pytest.mark.slow

ESCRITOIRE = Path(sys.executable).parent / "escritoire"


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ESCRITOIRE, *arguments], capture_output=True, text=True, check=False, env={"PATH": "/usr/bin", **environment}
    )


def test_help_names_every_command_and_shows_how() -> None:
    done = run("--help")
    assert done.returncode == 0
    for name in COMMANDS:
        assert f"  {name} " in done.stdout
    assert "escritoire init --data" in done.stdout
    assert "Exit status" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_exists_and_explains_itself(name: str) -> None:
    done = run(name, "--help")
    assert done.returncode == 0, done.stderr
    assert "escritoire" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["usr"], "Did you mean 'user'?"),
        (["serve", "imapp"], "there is no protocol"),
        (["init"], "--domain"),
        (["init", "--domain", "a.test"], "--data"),
        (["--nonsense"], "No such option"),
        (["user", "list", "--data", "/srv/desk"], "It stands before the command: `escritoire --data DIRECTORY"),
    ],
)
def test_what_is_not_understood_is_status_2(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = run(*arguments, HOME=str(tmp_path))
    assert done.returncode == 2
    assert said in done.stderr


def test_init_as_scripts_call_it(tmp_path: Path) -> None:
    desk = tmp_path / "desk"
    done = run("init", "--data", desk, "--domain", "example.test", "--port-base", "20000")
    assert done.returncode == 0, done.stderr
    settings = load(desk / "escritoire.toml")
    assert (settings.domain, settings.port_base, settings.listen) == ("example.test", 20000, "127.0.0.1")
    assert not settings.front.enabled
    assert (desk / "desk.sqlite3").exists()
    again = run("init", "--data", desk, "--domain", "example.test")
    assert again.returncode == 1
    assert "is there already" in again.stderr


def test_an_init_that_failed_may_be_begun_again(tmp_path: Path) -> None:
    desk = tmp_path / "desk"
    url = f"sqlite:///{tmp_path}/later/rows.sqlite3"
    failed = run("init", "--data", desk, "--domain", "example.test", "--database", url)
    assert (failed.returncode, "the database cannot be used" in failed.stderr) == (1, True), failed.stderr
    (tmp_path / "later").mkdir()
    again = run("init", "--data", desk, "--domain", "example.test", "--database", url)
    assert again.returncode == 0, again.stderr
    assert (desk / "dkim" / "desk.pem").exists()


def test_a_database_that_cannot_even_be_asked(tmp_path: Path) -> None:
    wrong = run("init", "--data", tmp_path, "--domain", "a.test", "--database", "postgresql+psycopg://a:secret@h:port/d")
    assert (wrong.returncode, "secret" in wrong.stderr, "Traceback" in wrong.stderr) == (1, False, False)
    assert "user:password@host:5432/name" in wrong.stderr
    # The environment of `pip install escritoire` has no psycopg: it is an extra.
    bare = "import sys; sys.modules['psycopg'] = None; from servers.cli import main; main()"
    url = "postgresql+psycopg://a@h/d"
    words = [sys.executable, "-c", bare, "init", "--data", tmp_path, "--domain", "a.test", "--database", url]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "Error: PostgreSQL needs its driver: pip install 'psycopg[binary]'\n")


def test_refusals_say_what_to_do(tmp_path: Path) -> None:
    nowhere = run("--data", tmp_path, "serve")
    assert (nowhere.returncode, "escritoire init" in nowhere.stderr) == (1, True)
    (tmp_path / "escritoire.toml").write_text('domain = "a b"\nprot_base = 3\n')
    wrong = run("serve", ESCRITOIRE_DATA=str(tmp_path))
    assert wrong.returncode == 1
    assert f"{tmp_path}/escritoire.toml:2: prot_base: there is no such key; did you mean port_base?" in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_a_file_of_another_account() -> None:
    """SYS-15: what helps is said with it. Root, who runs tests, may everything: so the refusal itself is asked."""
    said = _refusal(PermissionError(errno.EACCES, "Permission denied", "/var/lib/escritoire/run"))
    assert said is not None
    assert said.startswith("/var/lib/escritoire/run: Permission denied; ")
    assert "sudo -u ACCOUNT escritoire" in said
