"""vdirsyncer, khal and todoman around one folder: a person's calendars and cards as files."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.interop.desk import PASSWORDS, program


class Vdirs:
    """A person's vdirsyncer with its pairs; `folder/<pair>/<collection>/*.ics` are the files."""

    def __init__(self, folder: Path, login: str) -> None:
        self.folder = folder
        self.login = login
        self.sections: list[str] = [f'[general]\nstatus_path = "{folder}/status/"\n']
        folder.mkdir(parents=True, exist_ok=True)

    def pair(self, name: str, kind: str, url: str, collections: str, *, below: Path | None = None) -> Path:
        """Add a pair of a folder and `url`; `kind` is caldav or carddav, `collections` in vdirsyncer's JSON words.

        Gives the folder: the collection itself when `collections` is "null", else the parent of the collections.
        """
        suffix = ".ics" if kind == "caldav" else ".vcf"
        local = (below or self.folder) / name
        local.mkdir(parents=True, exist_ok=True)
        self.sections += [
            f'[pair {name}]\na = "{name}_local"\nb = "{name}_remote"\ncollections = {collections}\n',
            f'[storage {name}_local]\ntype = "filesystem"\npath = "{local}"\nfileext = "{suffix}"\n',
            f'[storage {name}_remote]\ntype = "{kind}"\nurl = "{url}"\nusername = "{self.login}"\n'
            f'password = "{PASSWORDS[self.login]}"\n',
        ]
        (self.folder / "config").write_text("\n".join(self.sections))
        return local

    def run(self, *arguments: str, typed: str = "", status: int = 0) -> str:
        """Run vdirsyncer, expect its exit `status`, give what it printed."""
        return _run("vdirsyncer", ["-c", str(self.folder / "config"), *arguments], typed, status)

    def discover(self, pair: str) -> str:
        """Find the collections and create what is missing on either side."""
        return self.run("discover", pair, typed="y\n" * 10)

    def sync(self, *, status: int = 0) -> str:
        """Synchronise all pairs in both directions."""
        return self.run("sync", status=status)


def khal(folder: Path, calendars: dict[str, Path], arguments: Iterable[str]) -> str:
    """Run khal on vdirs, in Berlin's time, with a cache of its own."""
    sections = "".join(f"[[{name}]]\npath = {path}\n" for name, path in calendars.items())
    config = folder / "khal.conf"
    config.write_text(
        f"[calendars]\n{sections}[sqlite]\npath = {folder}/khal.db\n"
        "[locale]\nlocal_timezone = Europe/Berlin\ndefault_timezone = Europe/Berlin\ntimeformat = %H:%M\n"
        "dateformat = %Y-%m-%d\nlongdateformat = %Y-%m-%d\ndatetimeformat = %Y-%m-%d %H:%M\n"
        "longdatetimeformat = %Y-%m-%d %H:%M\n"
    )
    return _run("khal", ["-c", str(config), *arguments])


def todoman(folder: Path, lists: Path, arguments: Iterable[str]) -> str:
    """Run todoman on the lists below `lists`."""
    config = folder / "todoman.py"
    config.write_text(
        f'path = "{lists}/*"\ncache_path = "{folder}/todoman.sqlite3"\ndate_format = "%Y-%m-%d"\ntime_format = "%H:%M"\n'
    )
    return _run("todo", ["--config", str(config), *arguments])


def _run(name: str, arguments: list[str], typed: str = "", status: int = 0) -> str:
    command = program(name)
    assert command is not None, f"{name} is not installed"
    environment = {**os.environ, "NO_COLOR": "1", "TZ": "Europe/Berlin", "LC_ALL": "C.UTF-8", "COLUMNS": "200"}
    done = subprocess.run(
        [command, *arguments],
        input=typed.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=120,
        env=environment,
    )
    output = done.stdout.decode()
    assert done.returncode == status, f"{name} {' '.join(arguments)}: {done.returncode}\n{output}"
    return output
